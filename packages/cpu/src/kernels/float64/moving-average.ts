/** Generated from float32/moving-average.ts by test/twins.test.ts, which proves it current. */
/**
 * running = fraction * running + (mean, correction * variance, 1) (K-7, N-8).
 *
 * Errors  float32 is computed in float64 and rounded once; float64 rounds each operation.
 */
export function movingAverage(
  channels: number,
  mean: Float64Array,
  variance: Float64Array,
  meanSum: Float64Array,
  varianceSum: Float64Array,
  factor: Float64Array,
  fraction: number,
  correction: number,
): void {
  for (let c = 0; c < channels; c++) {
    meanSum[c] = fraction * meanSum[c]! + mean[c]!;
    varianceSum[c] = fraction * varianceSum[c]! + correction * variance[c]!;
  }
  factor[0] = fraction * factor[0]! + 1;
}
