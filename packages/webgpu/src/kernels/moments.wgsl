// Mean and biased variance of each channel (K-1, N-2). With AVERAGE it also makes the moving average's step (K-7).
//
// With a value s of the channel: A = sum (x - s), B = sum (x - s)^2, delta = A / m; mean = s + delta and variance v =
// (B - A delta) / m. The error of v is that of B plus 2 |delta| times that of A. With q = delta^2 / v and an error E of
// the sums it is E (1 + q + 2 sqrt(q + q^2)) v. E is at most 0.7 S here (lib/reduce.wgsl), so q <= 1/27 keeps it within
// N-2. If s is further away, and always in short channels, a second pass uses s = mean. A then corrects the rounding of
// the mean. Whether s is too far is decided once per channel.
//
// If a sum overflows, both passes are repeated with values scaled by 2^-82. The squares of the largest scaled values
// can be added in f32, whatever their number. Values that underflow are too small to matter, because a sum overflowed
// before.
//
// With SPLIT the second pass is always made, and A / m is the low part of the mean.
#include params
#include float
#include average
#include reduce
#include alarm
#include again
#include parts
#include typical
#include scaled
#include ahead

@group(0) @binding(1) var<storage, read> x: array<Value>;
@group(0) @binding(2) var<storage, read_write> mean: array<Coef>;
@group(0) @binding(3) var<storage, read_write> spread: array<Coef>; // the variance; with SPLIT the sum of squares, m2
#if AVERAGE
@group(0) @binding(4) var<storage, read_write> meanSum: array<Coef>;
@group(0) @binding(5) var<storage, read_write> varianceSum: array<Coef>;
@group(0) @binding(6) var<storage, read_write> factor: array<f32>;
#endif
#if SPLIT
@group(0) @binding(7) var<storage, read_write> meanLow: array<Coef>;
#endif

struct Operands {
  shift: Coef,
}

fn term(at: u32, k: Operands) -> Pair {
  let d = x[at] - k.shift;
  return Pair(d, d * d);
}

// Whether s was too far from the mean: q > 1/27. If the sums are not finite, the answer does not matter.
fn isFar(sums: Sums) -> Choice {
  let delta = sums[0] * p.inverseM;
  return !((28.0 * delta * delta <= sums[1] * p.inverseM) & isFinite(sums[1]));
}

// Returns `here`, without units unless `wanted`. All threads must meet at the barriers, and unwanted ones then arrive
// at once.
fn only(wanted: Choice, here: Place) -> Place {
  var place = here;
  place.end = select(here.begin, here.end, any(wanted));
  return place;
}

struct Found {
  mean: Coef,
  low: Coef, // added to the mean, if the sums were taken about it
  squares: Coef, // the sum of squares; `plain` and `again` replace it by the result to store
}

fn found(mu: Coef, sums: Sums) -> Found {
  let low = divide(sums[0], p.m);
  let squares = sums[1] - sums[0] * low;
  return Found(mu, low, select(squares, Coef(0.0), squares < Coef(0.0)));
}

// Computes the result from sums that f32 could hold.
fn plain(all: Found) -> Found {
#if SPLIT
  return all;
#else
  return Found(all.mean, all.low, divide(all.squares, p.m));
#endif
}

// The moving average before the step. It is read long before it is needed, because nothing else hides the time of the read.
struct Running {
  mean: Coef,
  variance: Coef,
  factor: f32,
}

fn running(channel: u32) -> Running {
#if AVERAGE
  return Running(meanSum[channel], varianceSum[channel], factor[0]);
#else
  return Running();
#endif
}

fn store(here: Place, all: Found, before: Running) {
  let c = here.channel;
  if (here.lane != 0u || c >= p.channels) {
    return;
  }
  mean[c] = all.mean;
  spread[c] = all.squares;
#if SPLIT
  meanLow[c] = all.low;
#endif
#if AVERAGE
  meanSum[c] = averaged(p.fraction, before.mean, 1.0, all.mean);
  varianceSum[c] = averaged(p.fraction, before.variance, p.correction, all.squares);
  if (c == 0u) {
    let steps = averaged(p.fraction, Coef(before.factor), 1.0, Coef(1.0));
#if COEF4
    factor[0] = steps.x;
#else
    factor[0] = steps;
#endif
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
  let before = running(here.channel);
#if ONCE
  let s = typical(here, local);
#else
  let s = firstValue(here);
#endif
  shelve(share(here, Operands(s)), local);
  meet();
  let around = tree(local, here.lane);
  meet();
#if ONCE
  let far = isFar(around);
#else
  let far = Choice(true);
#endif
  let mu = s + divide(around[0], p.m);
  shelve(share(only(far, here), Operands(mu)), local);
  let alarm = alarmed(local);
  let about = tree(local, here.lane);
  var all = plain(found(mu, either(around, about, far)));
  if (alarm != 0u) {
    let overflowed = !(isFinite(around[1]) & isFinite(select(around[1], about[1], far)));
    all = again(here, overflowed, all, s, local);
  }
  store(here, all, before);
}

// For channels that are cut into parts: `sums`, `deviations` and `finish` run one after the other. After the sums of
// the parts there are two pairs per channel: (s, unused), and (mean, 1 if s is far from it, else 0). A dispatch costs 3.5 us on
// an H100, so that `deviations` is left out where channels are not very long: `finish` then takes the deviations itself, if need
// be. Without ONCE s is the first value, and need be it usually is.
fn pairOf(plane: u32, channel: u32) -> u32 {
  return (2u * p.splits + plane) * p.channels + min(channel, p.channels - 1u);
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
#if ONCE
#if TOGETHER
  let first = ahead(here);
  let s = typical(here, local);
  let mine = shareAfter(first, here, Operands(s));
#else
  let s = typical(here, local);
  let mine = share(here, Operands(s));
#endif
#else
  let s = firstValue(here);
  let mine = share(here, Operands(s));
#endif
  keep(0u, here, joined(mine, local, here.lane));
  if (here.lane == 0u && here.part == 0u && here.channel < p.channels) {
    parts[pairOf(0u, here.channel)] = Sums(s, Coef(0.0));
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
  let mu = parts[pairOf(0u, here.channel)][0] + divide(around[0], p.m);
#if SPLIT
  let far = Choice(true);
#else
  let far = isFar(around);
#endif
  keep(1u, here, joined(share(only(far, here), Operands(mu)), local, here.lane));
  if (here.lane == 0u && here.part == 0u && here.channel < p.channels) {
    parts[pairOf(1u, here.channel)] = Sums(mu, select(Coef(0.0), Coef(1.0), far));
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
  let before = running(here.channel);
  let s = parts[pairOf(0u, here.channel)][0];
  shelve(shareOfParts(0u, here.channel, here.lane), local);
  meet();
  let around = tree(local, here.lane);
  meet();
#if DEVIATIONS
  let verdict = parts[pairOf(1u, here.channel)];
  let far = verdict[1] != Coef(0.0);
  let mu = verdict[0];
#else
  let far = isFar(around);
  let mu = s + divide(around[0], p.m);
#endif
  if (any(far)) {
    alert(AGAIN);
  }
  if (alarmed(local) == 0u) {
    store(here, plain(found(mu, around)), before);
    return;
  }
#if DEVIATIONS
  shelve(shareOfParts(1u, here.channel, here.lane), local);
#else
  shelve(longShare(here, far, 1.0, mu), local);
#endif
  let alarm = alarmed(local);
  let about = tree(local, here.lane);
  var all = plain(found(mu, either(around, about, far)));
  if ((alarm & OVERFLOW) != 0u) {
    let overflowed = !(isFinite(around[1]) & isFinite(select(around[1], about[1], far)));
    all = again(here, overflowed, all, s, local);
  }
  store(here, all, before);
}
