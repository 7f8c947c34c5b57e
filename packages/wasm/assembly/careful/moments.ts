/**
 * Computes the moments of one channel that has sums or values that are not finite.
 *
 *   E = exponent of max |x|         x' = x / 2^E, in (-1, 1)
 *   mean' = x'[0] + sum (x' - x'[0]) / m, as high and low part
 *   F = exponent of max |x' - mean'|    t = (x' - mean') / 2^F, in (-1, 1)
 *   mean = mean' 2^E, squares = (sum t^2 - (sum t)^2 / m) 2^(2 E + 2 F)
 *
 * A t whose square underflows is below 2^-537 of the largest, so losing it changes nothing.
 */
import { job } from "../job";
import { storeMean, storeSquares } from "../kernels/moments/stats";
import { count } from "../shape";
import { finite, lostOf } from "../vector";
import { offsetOf } from "./channel";
import { exponentOf, scaleBy } from "./scaled";
import { add, clear, total } from "./sum";

export function carefulMoments<T>(channel: u32): void {
  const m = count();
  let E = exponentOf(0);
  for (let i: u32 = 0; i < m; i++) {
    const x = valueAt<T>(channel, i);
    if (!finite(x)) {
      poisonedMoments<T>(channel);
      return;
    }
    E = max(E, exponentOf(x));
  }
  const first = scaleBy(valueAt<T>(channel, 0), -E);
  clear();
  for (let i: u32 = 0; i < m; i++) add(scaleBy(valueAt<T>(channel, i), -E) - first);
  const delta = total() / m;
  const mean = first + delta;
  const low = lostOf(first, delta, mean);
  let F = exponentOf(0);
  for (let i: u32 = 0; i < m; i++) F = max(F, exponentOf(scaleBy(valueAt<T>(channel, i), -E) - mean - low));
  clear();
  for (let i: u32 = 0; i < m; i++) add(scaleBy(scaleBy(valueAt<T>(channel, i), -E) - mean - low, -F));
  const sum = total();
  clear();
  for (let i: u32 = 0; i < m; i++) {
    const t = scaleBy(scaleBy(valueAt<T>(channel, i), -E) - mean - low, -F);
    add(t * t);
  }
  storeMean<T>(channel, scaleBy(mean, E), scaleBy(low, E));
  storeSquares<T>(channel, max<f64>(total() - (sum * sum) / m, 0), 2 * (E + F));
}

/**
 * For channels with a NaN or infinities: the mean is the sum of the values. Finite values are scaled down, so that
 * their sum stays finite.
 */
function poisonedMoments<T>(channel: u32): void {
  const m = count();
  let sum: f64 = 0;
  for (let i: u32 = 0; i < m; i++) sum += valueAt<T>(channel, i) * 5.9604644775390625e-8; // 2^-24
  storeMean<T>(channel, sum, 0);
  storeSquares<T>(channel, NaN, 0);
}

function valueAt<T>(channel: u32, i: u32): f64 {
  return f64(load<T>(job.x + offsetOf<T>(channel, i)));
}
