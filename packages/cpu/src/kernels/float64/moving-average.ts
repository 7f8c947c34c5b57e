/** running = fraction * running + (mean, correction * variance, 1), each operation rounded (K-7, N-8). */
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
