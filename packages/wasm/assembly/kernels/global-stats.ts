/** K-8. stats = running * (factor = 0 ? 0 : 1 / factor), the reciprocal rounded first. Bound: N-8. */
import { job } from "../job";

export function globalStats<T>(): void {
  const weight = load<T>(job.factor);
  const s = weight === <T>0 ? <T>0 : <T>1 / weight;
  for (let at: usize = 0, end = job.channels * sizeof<T>(); at < end; at += sizeof<T>()) {
    store<T>(job.mean + at, load<T>(job.runningMean + at) * s);
    store<T>(job.variance + at, load<T>(job.runningVariance + at) * s);
  }
}
