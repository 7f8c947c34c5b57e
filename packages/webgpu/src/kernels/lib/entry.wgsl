// The entry point of a reduction: it calls the kernel's function that the dispatch names. Every thread of a workgroup arrives.
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
#entry
}
