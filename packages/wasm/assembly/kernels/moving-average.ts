/** K-7. running = fraction * running + (mean, correction * variance, 1). In float64, rounded once. Bound: N-8. */
export function movingAverage<T>(
  channels: u32,
  mean: usize,
  variance: usize,
  runningMean: usize,
  runningVariance: usize,
  factor: usize,
  fraction: f64,
  correction: f64,
): void {
  for (let at: usize = 0, end = channels * sizeof<T>(); at < end; at += sizeof<T>()) {
    const m = fraction * f64(load<T>(runningMean + at)) + f64(load<T>(mean + at));
    const v = fraction * f64(load<T>(runningVariance + at)) + correction * f64(load<T>(variance + at));
    store<T>(runningMean + at, <T>m);
    store<T>(runningVariance + at, <T>v);
  }
  store<T>(factor, <T>(fraction * f64(load<T>(factor)) + 1));
}
