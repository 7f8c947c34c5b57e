/** K-7. running = fraction * running + (mean, correction * variance, 1), in float64, rounded once. Bound: N-8. */
import { job } from "../job";

export function movingAverage<T>(): void {
  for (let at: usize = 0, end = job.channels * sizeof<T>(); at < end; at += sizeof<T>()) {
    const m = job.fraction * f64(load<T>(job.runningMean + at)) + f64(load<T>(job.mean + at));
    const v = job.fraction * f64(load<T>(job.runningVariance + at)) + job.correction * f64(load<T>(job.variance + at));
    store<T>(job.runningMean + at, <T>m);
    store<T>(job.runningVariance + at, <T>v);
  }
  store<T>(job.factor, <T>(job.fraction * f64(load<T>(job.factor)) + 1));
}
