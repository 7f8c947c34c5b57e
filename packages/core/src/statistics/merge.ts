/**
 * The statistics of a set of values, per channel. The mean is mean + meanLow, and m2 is the sum of squared deviations
 * from it. All arrays hold one entry per channel; count is the same for every channel.
 */
export interface Part {
  readonly count: number;
  readonly mean: Float64Array;
  readonly meanLow: Float64Array;
  readonly m2: Float64Array;
}

/**
 * Returns the statistics of the values of `a` and `b` together (M-1).
 *
 * Math    d = mean b - mean a, t = d * nb / n; mean = mean a + t, m2 = m2 a + m2 b + d * na * t (Chan, Golub and
 *         LeVeque, 1983), in float64. meanLow keeps the rounding error of the sum, so that the mean of batches with
 *         equal means does not drift.
 * Empty   A part without values changes nothing, to the bit.
 */
export function mergeParts(a: Part, b: Part): Part {
  if (b.count === 0) return a;
  if (a.count === 0) return b;
  const count = a.count + b.count;
  const channels = a.mean.length;
  const mean = new Float64Array(channels);
  const meanLow = new Float64Array(channels);
  const m2 = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    const meanA = a.mean[c]!;
    const meanB = b.mean[c]!;
    const apart = meanB - meanA;
    if (!Number.isFinite(apart)) {
      // Used for NaN, infinities, and means so far apart that their difference overflows but their weighted sum does
      // not.
      mean[c] = meanA * (a.count / count) + meanB * (b.count / count);
      m2[c] = a.m2[c]! + b.m2[c]! + apart * apart;
      continue;
    }
    const d = apart + (sumError(meanB, -meanA, apart) + (b.meanLow[c]! - a.meanLow[c]!));
    const t = Math.abs(d * b.count) <= Number.MAX_VALUE ? (d * b.count) / count : d * (b.count / count);
    const sum = meanA + t;
    const low = sumError(meanA, t, sum) + a.meanLow[c]!;
    mean[c] = sum + low;
    meanLow[c] = low - (mean[c]! - sum);
    m2[c] = a.m2[c]! + b.m2[c]! + d * a.count * t;
  }
  return { count, mean, meanLow, m2 };
}

/** x + y - fl(x + y), exactly (Knuth, 1969). */
export function sumError(x: number, y: number, sum: number): number {
  const back = sum - x;
  return x - (sum - back) + (y - back);
}
