// Mean and biased variance of each channel (K-1, N-2), and with AVERAGE the moving average's step (K-7).
//
// mean = s + sum (x - s) / m, s a value of the channel; then e = x - mean, variance = (sum e^2 - (sum e)^2 / m) / m:
// about the true mean, not about its rounded value. Two passes over a channel; the second finds it in cache.
#include params
#include float
#include reduce
#include parts

@group(0) @binding(1) var<storage, read> x: array<Value>;
@group(0) @binding(2) var<storage, read_write> mean: array<f32>;
@group(0) @binding(3) var<storage, read_write> variance: array<f32>;
#if AVERAGE
@group(0) @binding(4) var<storage, read_write> meanSum: array<f32>;
@group(0) @binding(5) var<storage, read_write> varianceSum: array<f32>;
@group(0) @binding(6) var<storage, read_write> factor: array<f32>;
#endif

struct Operands {
  shift: f32,
}

fn term(at: u32, k: Operands) -> Pair {
  let d = x[at] - k.shift;
  return Pair(d, d * d);
}

// Any value of the channel would do but an infinite one, around which every difference is lost (BN-12).
fn shiftOf(channel: u32) -> f32 {
#if VEC4
  let v = x[min(channel, p.channels - 1u) * p.inner].x;
#else
  let v = x[min(channel, p.channels - 1u) * p.inner];
#endif
  return select(0.0, v, isFinite(v));
}

fn meanOf(shift: f32, sums: vec2f) -> f32 {
  return shift + divide(sums.x, p.m);
}

fn store(here: Place, mu: f32, sums: vec2f) {
  let c = here.channel;
  if (here.lane != 0u || c >= p.channels) {
    return;
  }
  let squares = sums.y - sums.x * (sums.x * p.inverseM);
  let v = divide(select(squares, 0.0, squares < 0.0), p.m);
  mean[c] = mu;
  variance[c] = v;
#if AVERAGE
  meanSum[c] = p.fraction * meanSum[c] + mu;
  varianceSum[c] = p.fraction * varianceSum[c] + p.correction * v;
  if (c == 0u) {
    factor[0] = p.fraction * factor[0] + 1.0;
  }
#endif
}

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
  let shift = shiftOf(here.channel);
  let mu = meanOf(shift, joined(share(here, Operands(shift)), local, here.lane));
  store(here, mu, joined(share(here, Operands(mu)), local, here.lane));
}

// Where channels are cut: `sums`, `deviations` and `finish`, one after the other.
@compute @workgroup_size(W)
fn sums(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
) {
  let group = flat(id, count);
  if (group >= p.groups) {
    return;
  }
  let here = place(local, group);
  keep(0u, here, joined(share(here, Operands(shiftOf(here.channel))), local, here.lane));
}

@compute @workgroup_size(W)
fn deviations(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
) {
  let group = flat(id, count);
  if (group >= p.groups) {
    return;
  }
  let here = place(local, group);
  let all = joined(shareOfParts(0u, here.channel, here.lane), local, here.lane);
  let mu = meanOf(shiftOf(here.channel), all);
  keep(1u, here, joined(share(here, Operands(mu)), local, here.lane));
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
  let all = joined(shareOfParts(0u, here.channel, here.lane), local, here.lane);
  let around = joined(shareOfParts(1u, here.channel, here.lane), local, here.lane);
  store(here, meanOf(shiftOf(here.channel), all), around);
}
