// Mean and biased variance of channels (K-1, N-2), and with AVERAGE the moving average's step (K-7). `spread` is the
// variance, or with SPLIT the sum of squares.
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
#include float
#include average
#include reduce
#include alarm
#include again
#include typical
#include scaled

@group(0) @binding(2) var<storage, read_write> mean: array<Coef>;
@group(0) @binding(3) var<storage, read_write> spread: array<Coef>;
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
  let d = unit(at) - k.shift;
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
  squares: Coef, // the sum of squares; `outcome` and `again` replace it by the result to store
}

fn found(mu: Coef, sums: Sums) -> Found {
  let low = divide(sums[0], p.m);
  let squares = sums[1] - sums[0] * low;
  return Found(mu, low, select(squares, Coef(0.0), squares < Coef(0.0)));
}

// Computes the result from sums that f32 could hold.
fn outcome(all: Found) -> Found {
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

// The moments of a channel that is not cut. Every thread of the workgroup must call this function, and all lanes of a channel get
// its result.
fn moments(here: Place, local: u32) -> Found {
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
  var all = outcome(found(mu, either(around, about, far)));
  if (alarm != 0u) {
    let overflowed = !(isFinite(around[1]) & isFinite(select(around[1], about[1], far)));
    all = again(here, overflowed, all, s, local);
  }
  return all;
}
