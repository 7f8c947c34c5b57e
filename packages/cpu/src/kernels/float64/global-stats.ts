/** Generated from float32/global-stats.ts by test/twins.test.ts, which proves it current. */
/** (mean, variance) = running * s, s = 0 if factor is 0, else its reciprocal, rounded to the dtype (K-8, BN-6). */
export function globalStats(
  channels: number,
  meanSum: Float64Array,
  varianceSum: Float64Array,
  factor: Float64Array,
  mean: Float64Array,
  variance: Float64Array,
): void {
  const s = factor[0] === 0 ? 0 : 1 / factor[0]!;
  for (let c = 0; c < channels; c++) {
    mean[c] = s * meanSum[c]!;
    variance[c] = s * varianceSum[c]!;
  }
}
