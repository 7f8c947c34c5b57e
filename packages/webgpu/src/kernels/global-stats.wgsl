// (mean, variance) = running * s, s = 0 if factor is 0, else its rounded reciprocal (K-8, BN-6); `units` channels.
#include params

@group(0) @binding(1) var<storage, read> meanSum: array<f32>;
@group(0) @binding(2) var<storage, read> varianceSum: array<f32>;
@group(0) @binding(3) var<storage, read> factor: array<f32>;
@group(0) @binding(4) var<storage, read_write> mean: array<f32>;
@group(0) @binding(5) var<storage, read_write> variance: array<f32>;

@compute @workgroup_size(W)
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
) {
  let c = flat(id, count) * W + local;
  if (c >= p.units) {
    return;
  }
  let s = select(1.0 / factor[0], 0.0, factor[0] == 0.0);
  mean[c] = s * meanSum[c];
  variance[c] = s * varianceSum[c];
}
