// A map writes one output value per input value. The kernel binds `output`, and `input` unless it is IN_PLACE, and defines
// `struct Coefs`, `coefs(channel)`, and `plain(v, at, k)`, the result of unit `at`, whose input is v.
//
// lib/careful.wgsl defines the functions below, or the kernel does if plain arithmetic is always enough:
//
//   note = noted(note, at, sum)   notes results that f32 could not hold, which `sum`, the sum of the results, shows
//   isKept(note)                  whether the results are stored
//   anyLost(note)                 whether a second loop has to call `mend`
//   mend(note, at, j, k)          computes the value `j` of a unit again if it was lost
//
// The second loop is separate from the first. An emulator executes both sides of every branch and the body of every loop
// at least once. Maps took twice the time on SwiftShader while `mend` was in the first loop, although it was never needed.
// What `mend` executes there, and the registers that it occupies during the first loop, still count, so it takes one value at a time.
//
// Loops that walk over units are made for an emulator too, which GPUs do not mind. Two units per step halve the cost of
// the loop. Compilers add a counter of 64 bits to each loop whose end they do not see, a tenth of the instructions of a
// step, so the end is a constant, and a branch leaves the loop before. A test for equality costs less than a comparison of unsigned numbers.
// The length of a runtime-sized array, which limits each access to it, is a division per lane: `bound` names it before the
// loops, so that it is computed once.
#include values
#include unit

const NEVER = 0x7fffffffu;

// The number of units that each tensor holds.
fn bound() -> u32 {
  var units = arrayLength(&output);
#if !IN_PLACE
  units = min(units, arrayLength(&input));
#endif
#if SUMS
  units = min(units, arrayLength(&x));
#endif
  return units;
}

// `count` units of one channel: start, start + stride, ...
struct Walk {
  start: u32,
  stride: u32,
  count: u32,
}

fn walk(some: Walk, k: Coefs, before: Note) -> Note {
  var note = before;
  let pairs = (some.count + 1u) / 2u;
  let step = 2u * some.stride;
  let last = some.start + (some.count - 1u) * some.stride;
  for (var n = 0u; n < NEVER; n += 1u) {
    if (n == pairs) {
      break;
    }
    // The last unit of an odd number is computed twice. Both reads come before the first write, so this is right in place too.
    let at = some.start + n * step;
    let next = min(at + some.stride, last);
    let v = plain(unit(at), at, k);
    let w = plain(unit(next), next, k);
    note = noted(note, at, total(v) + total(w));
    if (isKept(note)) {
      output[at] = v;
      output[next] = w;
    }
  }
  return note;
}

fn mendWalk(some: Walk, k: Coefs, note: Note) {
  for (var n = 0u; n < NEVER; n += 1u) {
    if (n == some.count * WIDTH) {
      break;
    }
    mend(note, some.start + n / WIDTH * some.stride, n % WIDTH, k);
  }
}

#if RUNS
// The part of a run that a thread takes.
fn part(run: u32, begin: u32, end: u32) -> Walk {
  return Walk(run * p.inner + begin, W, (max(begin, end) - begin + W - 1u) / W);
}
#endif

@compute @workgroup_size(W)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
) {
  let group = p.groups - 1u - flat(id, count); // in reverse, because what a reduction read last is still cached
  if ((group >= p.groups) | (bound() == 0u)) {
    return;
  }
  var note = NOTHING;
#if RUNS
  // A workgroup takes a part of one channel's run, or several whole runs. All its threads share their operands.
  let begin = (group % p.splits) * p.each + local;
  let end = min(p.inner, (group % p.splits + 1u) * p.each);
  let first = (group / p.splits) * p.runs;
  let last = min(p.units / p.inner, first + p.runs);
  for (var run = first; run < last; run += 1u) {
    note = walk(part(run, begin, end), coefs(run % p.channels), note);
  }
  if (anyLost(note)) {
    for (var run = first; run < last; run += 1u) {
      mendWalk(part(run, begin, end), coefs(run % p.channels), note);
    }
  }
#else
#if ACROSS
  // If inner is 1, a thread stays on its channel and goes down the rows, so that it computes its operands once.
  let thread = group * W + local;
  let stack = thread / p.channels;
  let channel = thread - stack * p.channels;
  let row = stack * p.items;
  let rows = min(p.items, max(row, p.each) - row);
  let mine = Walk(row * p.channels + channel, p.channels, rows);
  let k = coefs(channel);
  note = walk(mine, k, note);
  if (anyLost(note)) {
    mendWalk(mine, k, note);
  }
#else
  let start = group * W * p.items + local;
  let stop = min(p.units, (group + 1u) * W * p.items);
  var end = 0u;
  var k: Coefs;
  for (var at = start; at < stop; at += W) {
    if (at >= end) {
      let run = at / p.inner;
      end = (run + 1u) * p.inner;
      k = coefs(run % p.channels);
    }
    let v = plain(unit(at), at, k);
    note = noted(note, at, total(v));
    if (isKept(note)) {
      output[at] = v;
    }
  }
  if (anyLost(note)) {
    for (var at = start; at < stop; at += W) {
      let k = coefs((at / p.inner) % p.channels);
      for (var j = 0u; j < WIDTH; j += 1u) {
        mend(note, at, j, k);
      }
    }
  }
#endif
#endif
}
