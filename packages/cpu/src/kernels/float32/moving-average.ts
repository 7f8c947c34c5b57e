/** running = fraction * running + (mean, correction * variance, 1), each operation rounded (K-7, N-8). */
export function movingAverage(
  channels: number,
  mean: Float32Array,
  variance: Float32Array,
  meanSum: Float32Array,
  varianceSum: Float32Array,
  factor: Float32Array,
  fraction: number,
  correction: number,
): void {
  const { fround } = Math;
  const f = fround(fraction);
  const k = fround(correction);
  for (let c = 0; c < channels; c++) {
    meanSum[c] = fround(f * meanSum[c]!) + mean[c]!;
    varianceSum[c] = fround(f * varianceSum[c]!) + fround(k * variance[c]!);
  }
  factor[0] = fround(f * factor[0]!) + 1;
}
