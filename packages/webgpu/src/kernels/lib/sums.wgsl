// The entry points of a kernel that is two sums a channel: it gives `operands(channel)`, `term` and `store(channel, sums)`.
// `main` does it all; `part` and `finish` do it where channels are cut.
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
  let here = place(local, group);
  let total = joined(share(here, operands(here.channel)), local, here.lane);
  if (here.lane == 0u && here.channel < p.channels) {
    store(here.channel, total);
  }
}

@compute @workgroup_size(W)
fn part(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
) {
  let group = flat(id, count);
  if (group >= p.groups) {
    return;
  }
  let here = place(local, group);
  keep(0u, here, joined(share(here, operands(here.channel)), local, here.lane));
}

@compute @workgroup_size(W)
fn finish(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
) {
  let group = flat(id, count);
  if (group >= p.groups) {
    return;
  }
  let here = place(local, group);
  let total = joined(shareOfParts(0u, here.channel, here.lane), local, here.lane);
  if (here.lane == 0u && here.channel < p.channels) {
    store(here.channel, total);
  }
}
