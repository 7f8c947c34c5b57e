// A map writes one output value per input value. The kernel defines `struct Operands`, `operands(channel)`, and the
// functions below. lib/careful.wgsl defines these functions, or the kernel does if plain arithmetic is always enough.
//
// for each unit of the thread:      note = apply(note, n, at, k)     stores a result, notes a result that f32 could not hold
//   if anyLost(note), for each unit:  if isLost(note, n, at), mend(at, channel)
//
// The second loop is separate from the first. An emulator executes both sides of every branch, so maps took twice the
// time on SwiftShader while `mend` was in the first loop, although it was never needed.
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
  var note = Note();
  var n = 0u;
#if RUNS
  // A workgroup takes a part of one channel's run, or several whole runs. All its threads share their operands.
  let begin = (group % p.splits) * p.each + local;
  let length = min(p.inner, (group % p.splits + 1u) * p.each);
  let first = (group / p.splits) * p.runs;
  let last = min(p.units / p.inner, first + p.runs);
  for (var run = first; run < last; run += 1u) {
    let k = operands(run % p.channels);
    for (var i = begin; i < length; i += W) {
      note = apply(note, n, run * p.inner + i, k);
      n += 1u;
    }
  }
  if (anyLost(note)) {
    n = 0u;
    for (var run = first; run < last; run += 1u) {
      for (var i = begin; i < length; i += W) {
        if (isLost(note, n, run * p.inner + i)) {
          mend(run * p.inner + i, run % p.channels);
        }
        n += 1u;
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
#else
  let start = group * W * p.items + local;
  let stop = min(p.units, (group + 1u) * W * p.items);
  let stride = W;
  var end = 0u;
  var k: Operands;
#endif
  for (var at = start; at < stop; at += stride) {
#if !ACROSS
    if (at >= end) {
      let run = at / p.inner;
      end = (run + 1u) * p.inner;
      k = operands(run % p.channels);
    }
#endif
    note = apply(note, n, at, k);
    n += 1u;
  }
  if (anyLost(note)) {
    n = 0u;
    for (var at = start; at < stop; at += stride) {
      if (isLost(note, n, at)) {
        mend(at, (at / p.inner) % p.channels);
      }
      n += 1u;
    }
  }
#endif
}
