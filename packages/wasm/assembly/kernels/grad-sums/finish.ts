/** The last step of a channel's gradient sums: sum dy = A, sum dy x^ = Q r / p. It can add them to gradients. */

import { scaleBy } from "../../careful/scaled";
import { carefulSums, dotSum, dotSumExponent, dySum, dySumExponent } from "../../careful/sums";
import { inverseOf } from "../../coefficients";
import { job } from "../../job";
import { INVERSES, TOTALS, table } from "../../shape";
import { powerPair } from "../../tables";
import { finite, storePair, zero } from "../../vector";

/** Finishes channels [first, last). */
export function finishSums<T>(first: u32, last: u32): void {
  for (; first + 2 <= last; first += 2) {
    const at = (first - job.first) * 8;
    const a = v128.load(table(TOTALS) + at);
    const q = v128.load(table(TOTALS + 1) + at);
    const finiteSums = v128.and(f64x2.eq(f64x2.sub(a, a), zero()), f64x2.eq(f64x2.sub(q, q), zero()));
    if (v128.all_true<i64>(finiteSums)) storeTwo<T>(first, a, q);
    else {
      finishChannel<T>(first);
      finishChannel<T>(first + 1);
    }
  }
  if (first < last) finishChannel<T>(first);
}

function storeTwo<T>(channel: u32, total: v128, products: v128): void {
  const r = v128.load(table(INVERSES) + (channel - job.first) * 8);
  const dot = f64x2.mul(products, f64x2.mul(r, inverseOfPower(powerPair(r))));
  const at = channel * sizeof<T>();
  if (job.sumDy) storePair<T>(job.sumDy + at, total);
  if (job.sumDyXhat) storePair<T>(job.sumDyXhat + at, dot);
  if (job.gradGamma) addPair<T>(job.gradGamma + at, dot);
  if (job.gradBeta) addPair<T>(job.gradBeta + at, total);
}

/** 1 / p of powers of two in [1, 2^1022], which contains all powers next to an r. */
function inverseOfPower(p: v128): v128 {
  return i64x2.sub(i64x2.splat(0x7fe0000000000000), p);
}

/** Adds two sums after rounding them, as `finishChannel` does. */
function addPair<T>(p: usize, v: v128): void {
  store<T>(p, load<T>(p) + <T>f64x2.extract_lane(v, 0));
  store<T>(p, load<T>(p, sizeof<T>()) + <T>f64x2.extract_lane(v, 1), sizeof<T>());
}

/** The careful kernel recomputes sums that are not finite. */
function finishChannel<T>(channel: u32): void {
  const i = channel - job.first;
  const sum = load<f64>(table(TOTALS) + i * 8);
  const products = load<f64>(table(TOTALS + 1) + i * 8);
  const r = inverseOf<T>(channel);
  const at = channel * sizeof<T>();
  let total = <T>sum;
  let dot = <T>(products * (r / powerOf(r)));
  if (!(finite(sum) && finite(products)) && carefulSums<T>(channel)) {
    total = <T>scaleBy(dySum, dySumExponent);
    dot = <T>scaleBy(dotSum, dotSumExponent);
  }
  if (job.sumDy) store<T>(job.sumDy + at, total);
  if (job.sumDyXhat) store<T>(job.sumDyXhat + at, dot);
  if (job.gradGamma) store<T>(job.gradGamma + at, load<T>(job.gradGamma + at) + dot);
  if (job.gradBeta) store<T>(job.gradBeta + at, load<T>(job.gradBeta + at) + total);
}

/**
 * The power of two at or below r, but at least 1; 1 if r is infinite or NaN. It is not below 1, because (x - mean) p
 * would become subnormal and lose bits before the multiplication by dy.
 */
function powerOf(r: f64): f64 {
  const bits = reinterpret<u64>(r) & 0x7ff0000000000000;
  return r > 1 && r < Infinity ? reinterpret<f64>(bits) : 1;
}
