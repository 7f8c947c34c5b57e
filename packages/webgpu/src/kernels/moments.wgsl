// Mean and biased variance of each channel (K-1, N-2), and with AVERAGE the moving average's step (K-7).
//
// Around a value s of the channel: A = sum (x - s), B = sum (x - s)^2, delta = A / m; mean = s + delta and
// variance v = (B - A delta) / m. Its error is that of B and 2 |delta| times that of A: with q = delta^2 / v and an error E of
// sums, E (1 + q + 2 sqrt(q + q^2)) v. E is at most 0.7 S here (lib/reduce.wgsl), so that q <= 1/27 is within N-2.
// Where s lies farther off, and in short channels without asking, a second pass takes s = mean: A then corrects for the
// rounding of the mean.
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

// Around an infinity or a NaN every difference would be lost, around 0 only the infinite ones are (BN-12).
fn finiteOr0(v: f32) -> f32 {
  return select(0.0, v, isFinite(v));
}

fn first(v: Value) -> f32 {
#if VEC4
  return v.x;
#else
  return v;
#endif
}

fn valueAt(channel: u32, i: u32) -> Value {
  let c = min(channel, p.channels - 1u);
  return x[((i / p.inner) * p.channels + c) * p.inner + i % p.inner];
}

// A sample of at least 256 values all over the channel: its mean is off by 1/16 of the standard deviation, as a rule, and
// 32 of the values are candidates to be s.
#if VEC4
const WIDTH = 4u;
#else
const WIDTH = 1u;
#endif
const SAMPLED = 256u / WIDTH;
const CANDIDATES = 32u / WIDTH;
var<workgroup> candidates: array<Value, CANDIDATES * SLOTS>;

// The candidate nearest to the sample's mean. A value of the channel, so that differences need no more bits than the
// values do: sums of them are as exact (N-7). Every thread of the workgroup must come here.
fn typical(here: Place, local: u32) -> f32 {
  let head = finiteOr0(first(valueAt(here.channel, 0u)));
  let slot = (here.channel % SLOTS) * CANDIDATES;
  let rounds = max(1u, SAMPLED / LANES);
  let step = max(1u, p.units / (LANES * rounds));
  var sum = Value();
  for (var round = 0u; round < rounds; round += 1u) {
    let i = round * LANES + here.lane;
    let value = valueAt(here.channel, min(i * step, p.units - 1u)) - head;
    sum += value;
    if (i < CANDIDATES) {
      candidates[slot + i] = value;
    }
  }
  let middle = joined(vec2f(fold(sum), 0.0), local, here.lane).x / f32(LANES * rounds * WIDTH);
  var best = first(candidates[slot]);
  for (var i = 0u; i < CANDIDATES; i += 1u) {
    let value = candidates[slot + i];
#if VEC4
    best = nearer(middle, best, value.x);
    best = nearer(middle, best, value.y);
    best = nearer(middle, best, value.z);
    best = nearer(middle, best, value.w);
#else
    best = nearer(middle, best, value);
#endif
  }
  return finiteOr0(head + best);
}

fn nearer(to: f32, a: f32, b: f32) -> f32 {
  return select(a, b, abs(b - to) < abs(a - to));
}

// Whether s was too far from the mean: q > 1/27, or sums that are no numbers: B - A delta may be inf - inf where a variance
// is infinite.
fn isFar(sums: vec2f) -> bool {
  let delta = sums.x * p.inverseM;
  return !(28.0 * delta * delta <= sums.y * p.inverseM && isFinite(sums.y));
}

// `here`, without units unless `wanted`: all threads meet at the barriers, these come at once.
fn only(wanted: bool, here: Place) -> Place {
  var place = here;
  place.end = select(here.begin, here.end, wanted);
  return place;
}

fn store(here: Place, mu: f32, sums: vec2f) {
  let c = here.channel;
  if (here.lane != 0u || c >= p.channels) {
    return;
  }
  let squares = sums.y - sums.x * divide(sums.x, p.m);
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
#if ONCE
  let s = typical(here, local);
  let around = joined(share(here, Operands(s)), local, here.lane);
  let again = isFar(around);
#else
  let s = finiteOr0(first(valueAt(here.channel, 0u)));
  let around = joined(share(here, Operands(s)), local, here.lane);
  let again = true;
#endif
  let mu = s + divide(around.x, p.m);
  let about = joined(share(only(again, here), Operands(mu)), local, here.lane);
  store(here, mu, select(around, about, again));
}

// Where channels are cut: `sums`, `deviations` and `finish`, one after the other; s lies behind the sums of the parts.
fn shelved(channel: u32) -> f32 {
  return parts[2u * p.splits * p.channels + min(channel, p.channels - 1u)].x;
}

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
  let s = typical(here, local);
  keep(0u, here, joined(share(here, Operands(s)), local, here.lane));
  if (here.lane == 0u && here.part == 0u && here.channel < p.channels) {
    parts[2u * p.splits * p.channels + here.channel] = vec2f(s, 0.0);
  }
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
  let around = joined(shareOfParts(0u, here.channel, here.lane), local, here.lane);
  let mu = shelved(here.channel) + divide(around.x, p.m);
  keep(1u, here, joined(share(only(isFar(around), here), Operands(mu)), local, here.lane));
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
  let around = joined(shareOfParts(0u, here.channel, here.lane), local, here.lane);
  let about = joined(shareOfParts(1u, here.channel, here.lane), local, here.lane);
  store(here, shelved(here.channel) + divide(around.x, p.m), select(around, about, isFar(around)));
}
