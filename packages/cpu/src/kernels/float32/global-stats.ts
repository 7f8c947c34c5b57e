/** (mean, variance) = running * s, s = 0 if factor is 0, else its reciprocal, rounded to the dtype (K-8, BN-6). */
export function globalStats(
  channels: number,
  meanSum: Float32Array,
  varianceSum: Float32Array,
  factor: Float32Array,
  mean: Float32Array,
  variance: Float32Array,
): void {
  const s = factor[0] === 0 ? 0 : Math.fround(1 / factor[0]!);
  for (let c = 0; c < channels; c++) {
    mean[c] = s * meanSum[c]!;
    variance[c] = s * varianceSum[c]!;
  }
}
