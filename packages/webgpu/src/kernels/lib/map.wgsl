// A map writes one output value per input value. The kernel defines `struct Operands`, `operands(channel)`, and the
// functions below. lib/careful.wgsl defines these functions, or the kernel does if plain arithmetic is always enough.
//
// for each unit of the thread:      note = keep(note, at, plain(at, k))   stores the result, notes one that f32 could not hold
//   if anyLost(note), for each unit:  mend(note, at, channel, k)
//
// The second loop is separate from the first. An emulator executes both sides of every branch and the body of every loop
// at least once. Maps took twice the time on SwiftShader while `mend` was in the first loop, although it was never needed.
@compute @workgroup_size(W)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
) {
  let group = p.groups - 1u - flat(id, count); // in reverse, because what a reduction read last is still cached
  if (group >= p.groups) {
    return;
  }
  var note = NOTHING;
#if RUNS
  // A workgroup takes a part of one channel's run, or several whole runs. All its threads share their operands.
  let begin = (group % p.splits) * p.each + local;
  let length = min(p.inner, (group % p.splits + 1u) * p.each);
  let first = (group / p.splits) * p.runs;
  let last = min(p.units / p.inner, first + p.runs);
  for (var run = first; run < last; run += 1u) {
    let k = operands(run % p.channels);
    for (var i = begin; i < length; i += W) {
      let at = run * p.inner + i;
      note = keep(note, at, plain(at, k));
    }
  }
  if (anyLost(note)) {
    for (var run = first; run < last; run += 1u) {
      let channel = run % p.channels;
      let k = operands(channel);
      for (var i = begin; i < length; i += W) {
        mend(note, run * p.inner + i, channel, k);
      }
    }
  }
#else
#if ACROSS
  // If inner is 1, a thread stays on its channel and goes down the rows, so that it computes its operands once.
  let thread = group * W + local;
  let channel = thread % p.channels;
  let row = (thread / p.channels) * p.items;
  let start = row * p.channels + channel;
  let stop = min(p.units, (row + p.items) * p.channels);
  let stride = p.channels;
  let k = operands(channel);
  // Two units at a time, which halves the cost of the loop. The last one of an odd number is computed twice: both reads come
  // before the first write, so that this is right in place too.
  for (var at = start; at < stop; at += 2u * stride) {
    let next = select(at, at + stride, at + stride < stop);
    let v = plain(at, k);
    let w = plain(next, k);
    note = keep(note, at, v);
    note = keep(note, next, w);
  }
#else
  let start = group * W * p.items + local;
  let stop = min(p.units, (group + 1u) * W * p.items);
  let stride = W;
  var end = 0u;
  var k: Operands;
  for (var at = start; at < stop; at += stride) {
    if (at >= end) {
      let run = at / p.inner;
      end = (run + 1u) * p.inner;
      k = operands(run % p.channels);
    }
    note = keep(note, at, plain(at, k));
  }
#endif
  if (anyLost(note)) {
    for (var at = start; at < stop; at += stride) {
#if ACROSS
      mend(note, at, channel, k);
#else
      let channel = (at / p.inner) % p.channels;
      mend(note, at, channel, operands(channel));
#endif
    }
  }
#endif
}
