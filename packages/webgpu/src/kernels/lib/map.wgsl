// A map writes one output value per input value. The kernel defines `struct Operands`, `operands(channel)`, and:
//
//   bound()             the number of units that each of its tensors holds
//   input(at)           what it reads for a unit: an `Input`
//   plain(input, k)     the result of the unit
//   put(at, result)     stores it
//
// lib/careful.wgsl defines the functions below, or the kernel does if plain arithmetic is always enough:
//
//   note = noted(note, at, sum)   notes results that f32 could not hold, which `sum`, the sum of the results, shows
//   isKept(note, at)              whether the results are stored
//   anyLost(note)                 whether a second loop has to call, for each unit:
//   mend(note, at, k)             which computes again what was lost
//
// The second loop is separate from the first. An emulator executes both sides of every branch and the body of every loop
// at least once. Maps took twice the time on SwiftShader while `mend` was in the first loop, although it was never needed.
//
// Loops that walk over units are made for an emulator too, which GPUs do not mind. Two units per step halve the cost of
// the loop. Compilers add a counter of 64 bits to each loop whose end they do not see, a tenth of the instructions of a
// step, so the end is a constant, and a branch leaves the loop before. The length of a runtime-sized array, which limits
// each access to it, is a division per lane: `bound` names it before the loops, so that it is computed once.
const NEVER = 0x7fffffffu;

fn total(v: Value) -> f32 {
#if VEC4
  return (v.x + v.y) + (v.z + v.w);
#else
  return v;
#endif
}

// `count` units of one channel: start, start + stride, ...
struct Walk {
  start: u32,
  stride: u32,
  count: u32,
}

fn walk(some: Walk, k: Operands, before: Note) -> Note {
  var note = before;
  for (var pair = 0u; pair < NEVER; pair += 1u) {
    let n = 2u * pair;
    if (n >= some.count) {
      break;
    }
    // The last unit of an odd number is computed twice. Both reads come before the first write, so this is right in place too.
    let at = some.start + n * some.stride;
    let next = select(at, at + some.stride, n + 1u < some.count);
    let v = plain(input(at), k);
    let w = plain(input(next), k);
    note = noted(note, at, total(v) + total(w));
    if (isKept(note, at)) {
      put(at, v);
      put(next, w);
    }
  }
  return note;
}

fn mendWalk(some: Walk, k: Operands, note: Note) {
  for (var n = 0u; n < NEVER; n += 1u) {
    if (n >= some.count) {
      break;
    }
    mend(note, some.start + n * some.stride, k);
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
    note = walk(part(run, begin, end), operands(run % p.channels), note);
  }
  if (anyLost(note)) {
    for (var run = first; run < last; run += 1u) {
      mendWalk(part(run, begin, end), operands(run % p.channels), note);
    }
  }
#else
#if ACROSS
  // If inner is 1, a thread stays on its channel and goes down the rows, so that it computes its operands once.
  let thread = group * W + local;
  let channel = thread % p.channels;
  let row = (thread / p.channels) * p.items;
  let rows = min(p.items, max(row, p.each) - row);
  let mine = Walk(row * p.channels + channel, p.channels, rows);
  let k = operands(channel);
  note = walk(mine, k, note);
  if (anyLost(note)) {
    mendWalk(mine, k, note);
  }
#else
  let start = group * W * p.items + local;
  let stop = min(p.units, (group + 1u) * W * p.items);
  var end = 0u;
  var k: Operands;
  for (var at = start; at < stop; at += W) {
    if (at >= end) {
      let run = at / p.inner;
      end = (run + 1u) * p.inner;
      k = operands(run % p.channels);
    }
    let v = plain(input(at), k);
    note = noted(note, at, total(v));
    if (isKept(note, at)) {
      put(at, v);
    }
  }
  if (anyLost(note)) {
    for (var at = start; at < stop; at += W) {
      mend(note, at, operands((at / p.inner) % p.channels));
    }
  }
#endif
#endif
}
