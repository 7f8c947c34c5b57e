/** K-8. stats = running * (factor = 0 ? 0 : 1 / factor), the reciprocal rounded first. Bound: N-8. */
export function globalStats<T>(
  channels: u32,
  runningMean: usize,
  runningVariance: usize,
  factor: usize,
  mean: usize,
  variance: usize,
): void {
  const weight = load<T>(factor);
  const s = weight === <T>0 ? <T>0 : <T>1 / weight;
  for (let at: usize = 0, end = channels * sizeof<T>(); at < end; at += sizeof<T>()) {
    store<T>(mean + at, load<T>(runningMean + at) * s);
    store<T>(variance + at, load<T>(runningVariance + at) * s);
  }
}
