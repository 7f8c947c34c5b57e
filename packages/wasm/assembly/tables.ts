/**
 * Tables of coefficients of channels, spread over the columns of a tile, so that a row of memory corresponds to a row
 * of a table.
 */
import { differenceLimit, largest, slopeLimit, smallest } from "./careful/range";
import { job } from "./job";
import { channelsOfTile, isColumnPerChannel, ownOf } from "./plan/columns";
import { CHUNK, INVERSES, OWN, TABLE, table } from "./shape";
import { pair, storePair, zero } from "./vector";

/** table[column] = values[its channel], or `otherwise` if there are no values (0). */
export function spread<T>(index: u32, values: usize, otherwise: T): void {
  const into = table(index);
  const channels = channelsOfTile();
  const inner = job.inner;
  const width = channels * inner;
  if (values) values += job.first * sizeof<T>();
  if (inner === 1 && values) {
    memory.copy(into, values, width * sizeof<T>());
  } else {
    for (let channel: u32 = 0, c: u32 = 0; channel < channels; channel++) {
      const value = values ? load<T>(values + channel * sizeof<T>()) : otherwise;
      for (const end = c + inner; c < end; c++) store<T>(into + c * sizeof<T>(), value);
    }
  }
  for (let fold: u32 = 1; fold < job.fold; fold++) {
    memory.copy(into + fold * width * sizeof<T>(), into, width * sizeof<T>());
  }
}

/** Spreads the values of table `own`, which starts at the tile's first channel. */
export function spreadOwn<T>(index: u32, own: u32): void {
  spread<T>(index, table(own) - job.first * sizeof<T>(), 0);
}

/** 1 / sqrt(variance + eps) of two channels, or 1 without a variance. */
export function inversePair<T>(channel: u32): v128 {
  const one = f64x2.splat(1);
  if (!job.variance) return one;
  const v = f64x2.add(pair<T>(job.variance + channel * sizeof<T>()), f64x2.splat(job.eps));
  return f64x2.div(one, f64x2.sqrt(v));
}

/** For two values of r: the power of two at or below r, but at least 1; 1 if r is infinite or NaN. */
export function powerPair(r: v128): v128 {
  const usable = v128.and(f64x2.gt(r, f64x2.splat(1)), f64x2.lt(r, f64x2.splat(Infinity)));
  return v128.bitselect(v128.and(r, i64x2.splat(0x7ff0000000000000)), f64x2.splat(1), usable);
}

// The functions below work on `n` channels from `first` on, two at a time. If `n` is odd, a pair may read one element past
// the last channel, but must not write it, because it may belong to another thread.

function storeUpTo<T>(p: usize, v: v128, single: bool): void {
  if (single) store<T>(p, <T>f64x2.extract_lane(v, 0));
  else storePair<T>(p, v);
}

/** The absolute values of a pair. After an odd number of channels the first value is used twice. */
function sizesOf(v: v128, single: bool): v128 {
  return f64x2.abs(single ? v128.shuffle<i64>(v, v, 0, 0) : v);
}

/** Infinite where `unless` is set, so that these sizes do not count as small. */
function raised(sizes: v128, unless: v128): v128 {
  return v128.or(sizes, v128.and(unless, f64x2.splat(Infinity)));
}

function within(least: v128, most: v128, low: f64, high: f64): bool {
  return v128.all_true<i64>(v128.and(f64x2.ge(least, f64x2.splat(low)), f64x2.le(most, f64x2.splat(high))));
}

// The next two functions return whether the ordinary maps are right for what they computed (careful/range.ts). NaN does
// not count, because the ordinary maps are right for it too.

/** gamma / sqrt(variance + eps), rounded once. */
export function scales<T>(into: usize, first: u32, n: u32): bool {
  let least = f64x2.splat(Infinity);
  let most = zero();
  for (let i: u32 = 0; i < n; i += 2) {
    let s = inversePair<T>(first + i);
    let none = zero();
    if (job.gamma) {
      const gamma = pair<T>(job.gamma + (first + i) * sizeof<T>());
      s = f64x2.mul(s, gamma);
      none = f64x2.eq(gamma, zero());
    }
    const single = i + 1 === n;
    storeUpTo<T>(into + i * sizeof<T>(), s, single);
    const sizes = sizesOf(s, single);
    most = f64x2.pmax(most, sizes);
    least = f64x2.pmin(least, raised(sizes, single ? v128.shuffle<i64>(none, none, 0, 0) : none));
  }
  return within(least, most, smallest<T>(), largest<T>());
}

/** The power of two next to 1 / sqrt(variance + eps), which is kept in its table for the sums' last step. */
export function powers<T>(into: usize, first: u32, n: u32): void {
  const inverses = table(INVERSES) + (first - job.first) * 8;
  for (let i: u32 = 0; i < n; i += 2) {
    const r = inversePair<T>(first + i);
    const single = i + 1 === n;
    storeUpTo<f64>(inverses + i * 8, r, single);
    storeUpTo<T>(into + i * sizeof<T>(), powerPair(r), single);
  }
}

/** The means, or 0 without means. */
export function means<T>(into: usize, first: u32, n: u32): void {
  if (job.mean) memory.copy(into, job.mean + first * sizeof<T>(), n * sizeof<T>());
  else memory.fill(into, 0, n * sizeof<T>());
}

/** The betas. Without them -0, the only number that changes no sum, not even -0. */
export function betas<T>(into: usize, first: u32, n: u32): void {
  if (job.beta) memory.copy(into, job.beta + first * sizeof<T>(), n * sizeof<T>());
  else for (const end = into + n * sizeof<T>(); into < end; into += sizeof<T>()) store<T>(into, <T>-0.0);
}

/**
 * The operands of the gradient's map, in consecutive tables from `into` on: sum dy / m, r (sum dy x^ / m) and gamma r,
 * each rounded once. Where the sums were computed before, `powers` has kept r.
 */
export function gradients<T>(into: usize, first: u32, n: u32): bool {
  const m = f64x2.splat(job.m);
  let mostOfShares = zero();
  let mostOfSlopes = zero();
  let mostOfScales = zero();
  let leastOfSlopes = f64x2.splat(Infinity);
  let leastOfScales = f64x2.splat(Infinity);
  const kept = job.fused !== 0 && job.channels <= CHUNK;
  for (let i: u32 = 0; i < n; i += 2) {
    const at = (first + i) * sizeof<T>();
    const single = i + 1 === n;
    const r = kept ? v128.load(table(INVERSES) + (first - job.inverses + i) * 8) : inversePair<T>(first + i);
    const gamma = job.gamma ? pair<T>(job.gamma + at) : f64x2.splat(1);
    const a = f64x2.div(pair<T>(job.sumDy + at), m);
    const b = f64x2.div(pair<T>(job.sumDyXhat + at), m);
    const c = f64x2.mul(r, b);
    const s = f64x2.mul(r, gamma);
    const own = into + i * sizeof<T>();
    storeUpTo<T>(own, a, single);
    storeUpTo<T>(own + TABLE, c, single);
    storeUpTo<T>(own + 2 * TABLE, s, single);
    mostOfShares = f64x2.pmax(mostOfShares, sizesOf(a, single));
    const sizesOfB = sizesOf(b, single);
    const sizesOfC = sizesOf(c, single);
    mostOfSlopes = f64x2.pmax(mostOfSlopes, f64x2.pmax(sizesOfB, sizesOfC));
    leastOfSlopes = f64x2.pmin(leastOfSlopes, raised(f64x2.pmin(sizesOfB, sizesOfC), f64x2.eq(sizesOfB, zero())));
    const sizesOfS = sizesOf(s, single);
    mostOfScales = f64x2.pmax(mostOfScales, sizesOfS);
    leastOfScales = f64x2.pmin(leastOfScales, raised(sizesOfS, f64x2.eq(sizesOf(gamma, single), zero())));
  }
  return (
    within(mostOfShares, mostOfShares, 0, differenceLimit<T>()) &&
    within(leastOfSlopes, mostOfSlopes, smallest<T>(), slopeLimit<T>()) &&
    within(leastOfScales, mostOfScales, smallest<T>(), largest<T>())
  );
}

// Coefficients of a tile's channels, spread over its columns from table `index` on. If each column is a channel, they are
// computed in place.

export function spreadScales<T>(index: u32): bool {
  const inRange = scales<T>(table(ownOf(index)), job.first, channelsOfTile());
  if (!isColumnPerChannel()) spreadOwn<T>(index, OWN);
  return inRange;
}

export function spreadPowers<T>(index: u32): void {
  powers<T>(table(ownOf(index)), job.first, channelsOfTile());
  if (!isColumnPerChannel()) spreadOwn<T>(index, OWN);
}

/** Fills three tables. */
export function spreadGradients<T>(index: u32): bool {
  const inRange = gradients<T>(table(ownOf(index)), job.first, channelsOfTile());
  if (!isColumnPerChannel()) for (let i: u32 = 0; i < 3; i++) spreadOwn<T>(index + i, OWN + i);
  return inRange;
}
