// running = fraction * running + (mean, correction * variance, 1) (K-7, N-8); `units` channels.
#include params
#include float
#include average

@group(0) @binding(1) var<storage, read> mean: array<f32>;
@group(0) @binding(2) var<storage, read> variance: array<f32>;
@group(0) @binding(3) var<storage, read_write> meanSum: array<f32>;
@group(0) @binding(4) var<storage, read_write> varianceSum: array<f32>;
@group(0) @binding(5) var<storage, read_write> factor: array<f32>;

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
  meanSum[c] = averaged(p.fraction, meanSum[c], 1.0, mean[c]);
  varianceSum[c] = averaged(p.fraction, varianceSum[c], p.correction, variance[c]);
  if (c == 0u) {
    factor[0] = averaged(p.fraction, factor[0], 1.0, 1.0);
  }
}
