// The entry points of a kernel that computes two sums per channel (lib/sums.wgsl). `main` does all the work; `part` and `finish`
// do it if channels are cut into parts.
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
  let k = operands(min(here.channel, p.channels - 1u));
  _ = result(here, k, share(here, k), local);
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
  let k = operands(min(here.channel, p.channels - 1u));
  keep(0u, here, joined(share(here, k), local, here.lane));
  if (here.lane == 0u && here.part == 0u && here.channel < p.channels) {
    // stored after the sums, because `finish` has no bindings left to read their sources
    parts[p.splits * p.channels + here.channel] = k;
  }
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
  let k = parts[p.splits * p.channels + min(here.channel, p.channels - 1u)];
  _ = result(here, k, shareOfParts(0u, here.channel, here.lane), local);
}
