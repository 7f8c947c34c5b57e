/**
 * Gradient sums of one channel whose sums are not finite: sum dy and r sum dy (x - mean). Each term is divided by the
 * largest term's power of two. A term that then underflows is below 2^-1074 of the largest.
 */
import { job } from "../job";
import { count } from "../shape";
import { finite } from "../vector";
import { deviation, deviationExponent, offsetOf, openChannel, r, rExponent } from "./channel";
import { exponentOf, scaleBy } from "./scaled";
import { add, clear, total } from "./sum";

/**
 * The sums are these values times two to the power of their exponents, because they may be beyond the range of a
 * number.
 */
export let dySum: f64 = 0;
export let dySumExponent: i32 = 0;
export let dotSum: f64 = 0;
export let dotSumExponent: i32 = 0;

/** Returns false, without summing, if an operand is not finite: the ordinary kernels handle infinities and NaN. */
export function carefulSums<T>(channel: u32): bool {
  if (!openChannel<T>(channel)) return false;
  const m = count();
  let E = exponentOf(0);
  let F = exponentOf(0);
  for (let i: u32 = 0; i < m; i++) {
    const at = offsetOf<T>(channel, i);
    const dy = f64(load<T>(job.dy + at));
    const d = deviation(f64(load<T>(job.x + at)));
    if (!finite(dy) || !finite(d)) return false;
    E = max(E, exponentOf(dy));
    F = max(F, exponentOf(dy) + exponentOf(d));
  }
  clear();
  for (let i: u32 = 0; i < m; i++) add(scaleBy(f64(load<T>(job.dy + offsetOf<T>(channel, i))), -E));
  dySum = total();
  dySumExponent = E;
  clear();
  for (let i: u32 = 0; i < m; i++) {
    const at = offsetOf<T>(channel, i);
    const dy = f64(load<T>(job.dy + at));
    const d = deviation(f64(load<T>(job.x + at)));
    const e = exponentOf(dy);
    const f = exponentOf(d);
    add(scaleBy(scaleBy(dy, -e) * scaleBy(d, -f), e + f - F));
  }
  dotSum = total() * r;
  dotSumExponent = F + deviationExponent + rExponent;
  return true;
}
