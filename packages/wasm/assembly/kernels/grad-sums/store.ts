/** What ends a channel's gradient sums. */

import { scaleBy } from "../../careful/scaled";
import { carefulSums, dotSum, dotSumExponent, dySum, dySumExponent } from "../../careful/sums";
import { inverseOf } from "../../coefficients";
import { job } from "../../job";
import { finite } from "../../vector";

/**
 * The power of two at or below r, at least 1; 1 where r is infinite or NaN. Not below: (x - mean) p would be subnormal
 * before dy makes it large again, and lose bits.
 */
export function powerOf(r: f64): f64 {
  const bits = reinterpret<u64>(r) & 0x7ff0000000000000;
  return r > 1 && r < Infinity ? reinterpret<f64>(bits) : 1;
}

/** Sums that are not finite are taken again, carefully. */
export function storeSums<T>(channel: u32, sum: f64, products: f64): void {
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
