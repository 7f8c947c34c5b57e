/** K-7. running = fraction * running + (mean, correction * variance, 1), in float64, rounded once. Bound: N-8. */
import { job } from "../job";
import { pair, storePair } from "../vector";

export function movingAverage<T>(): void {
  add<T>(job.runningMean, job.mean, 1);
  add<T>(job.runningVariance, job.variance, job.correction);
  store<T>(job.factor, <T>(job.fraction * f64(load<T>(job.factor)) + 1));
}

/** running = fraction * running + weight * batch, for all channels. */
function add<T>(running: usize, batch: usize, weight: f64): void {
  const end = running + job.channels * sizeof<T>();
  const fractions = f64x2.splat(job.fraction);
  const weights = f64x2.splat(weight);
  for (const last = end - sizeof<T>(); running < last; running += 2 * sizeof<T>(), batch += 2 * sizeof<T>())
    storePair<T>(running, f64x2.add(f64x2.mul(fractions, pair<T>(running)), f64x2.mul(weights, pair<T>(batch))));
  if (running < end) store<T>(running, <T>(job.fraction * f64(load<T>(running)) + weight * f64(load<T>(batch))));
}
