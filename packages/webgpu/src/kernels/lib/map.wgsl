// One value out for each value in. The kernel gives `struct Operands`, `operands(channel)` and `apply(at, k)`.
@compute @workgroup_size(W)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
) {
  let group = flat(id, count);
  if (group >= p.groups) {
    return;
  }
#if ACROSS
  // inner is 1: a thread stays on its channel and goes down the rows, so that its operands are made once.
  let thread = group * W + local;
  let channel = thread % p.channels;
  let first = (thread / p.channels) * ITEMS;
  let rows = p.units / p.channels;
  if (first >= rows) {
    return;
  }
  let k = operands(channel);
  let stop = min(rows, first + ITEMS);
  for (var row = first; row < stop; row += 1u) {
    apply(row * p.channels + channel, k);
  }
#else
#if RUNS
  // A run of one channel is cut into parts, a workgroup each: all its threads share their operands.
  let run = group / p.splits;
  let begin = (group % p.splits) * p.each;
  let stop = run * p.inner + min(p.inner, begin + p.each);
  let k = operands(run % p.channels);
  for (var i = run * p.inner + begin + local; i < stop; i += W) {
    apply(i, k);
  }
#else
  var i = group * W * ITEMS + local;
  let stop = min(p.units, (group + 1u) * W * ITEMS);
  var end = 0u;
  var k: Operands;
  for (; i < stop; i += W) {
    if (i >= end) {
      let run = i / p.inner;
      end = (run + 1u) * p.inner;
      k = operands(run % p.channels);
    }
    apply(i, k);
  }
#endif
#endif
}
