/**
 * running = fraction * running + (mean, correction * variance, 1) (K-7, N-8).
 *
 * Errors  float32 is computed in float64 and rounded once; float64 rounds each operation.
 */
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
  for (let c = 0; c < channels; c++) {
    meanSum[c] = fraction * meanSum[c]! + mean[c]!;
    varianceSum[c] = fraction * varianceSum[c]! + correction * variance[c]!;
  }
  factor[0] = fraction * factor[0]! + 1;
}
