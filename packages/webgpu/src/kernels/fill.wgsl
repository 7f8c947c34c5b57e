// y = value (K-9); `units` values.
#include params

@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(W)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
) {
  let group = flat(id, count);
  let stop = min(p.units, (group + 1u) * W * p.items);
  for (var i = group * W * p.items + local; i < stop; i += W) {
    y[i] = p.value;
  }
}
