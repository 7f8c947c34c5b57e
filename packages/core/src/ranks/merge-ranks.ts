import { mergeParts, type Part, sumError } from "../statistics/merge.ts";

/** What a rank sends of its moments: [count, digest, mean per channel, meanLow per channel, m2 per channel]. */
export const COUNT = 0;
export const DIGEST = 1;
const MEAN = 2;

export const momentsLength = (channels: number): number => MEAN + 3 * channels;

/** Where they lie among what a rank sends. */
export const meanAt = MEAN;
export const lowAt = (channels: number): number => MEAN + channels;
export const m2At = (channels: number): number => MEAN + 2 * channels;

/**
 * The moments of all ranks' values together (R-3), from what `size` ranks sent; writes mean and variance and returns the count.
 *
 * Math    s = mean of the first rank that has values; mean = s + sum n_i (mean_i - s) / n; M2 = sum M2_i + sum n_i (mean_i - mean)^2;
 *         variance = M2 / n. The sums are in float64, in rank order: every rank gets the same bits, which are
 *         those of one process where all terms are numbers of few bits.
 * Empty   Ranks without values add nothing. If no rank has any, 0 is returned and nothing is written.
 */
export function mergeRanks(
  all: Float64Array,
  size: number,
  channels: number,
  mean: { [c: number]: number },
  variance: { [c: number]: number },
): number {
  const length = momentsLength(channels);
  const starts: number[] = [];
  let count = 0;
  for (let rank = 0; rank < size; rank++) {
    const values = all[rank * length + COUNT] as number;
    if (values > 0) starts.push(rank * length);
    count += values;
  }
  if (count === 0) return 0;
  const at = (i: number) => all[i] as number;
  const first = (starts[0] as number) + MEAN;
  const moved = new Float64Array(channels);
  for (const start of starts) {
    const n = at(start + COUNT);
    const high = start + MEAN;
    const low = start + lowAt(channels);
    for (let c = 0; c < channels; c++) {
      moved[c] = (moved[c] as number) + n * (at(high + c) - at(first + c) + at(low + c));
    }
  }
  const center = new Float64Array(channels);
  const centerLow = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    const shift = at(first + c);
    const by = (moved[c] as number) / count;
    center[c] = shift + by;
    centerLow[c] = sumError(shift, by, shift + by);
  }
  const squares = new Float64Array(channels);
  for (const start of starts) {
    const n = at(start + COUNT);
    const high = start + MEAN;
    const low = start + lowAt(channels);
    const m2 = start + m2At(channels);
    for (let c = 0; c < channels; c++) {
      const d = at(high + c) - (center[c] as number) + (at(low + c) - (centerLow[c] as number));
      squares[c] = (squares[c] as number) + (at(m2 + c) + n * d * d);
    }
  }
  for (let c = 0; c < channels; c++) {
    const m2 = squares[c] as number;
    const finite = Number.isFinite(center[c]) && Number.isFinite(m2);
    mean[c] = center[c] as number;
    variance[c] = m2 / count;
    if (finite) continue;
    const [value, sum] = chained(all, starts, channels, c);
    mean[c] = value;
    variance[c] = sum / count;
  }
  return count;
}

/** One rank after the other, by the merge that bears NaN, infinities and means at both ends of the range (M-1). */
function chained(
  all: Float64Array,
  starts: readonly number[],
  channels: number,
  c: number,
): readonly [mean: number, m2: number] {
  const partAt = (start: number): Part => {
    const one = (i: number) => all.subarray(start + i + c, start + i + c + 1);
    return {
      count: all[start + COUNT] as number,
      mean: one(MEAN),
      meanLow: one(lowAt(channels)),
      m2: one(m2At(channels)),
    };
  };
  const { mean, meanLow, m2 } = starts.map(partAt).reduce(mergeParts);
  return [(mean[0] as number) + (meanLow[0] as number), m2[0] as number];
}

/** Element by element the sum of what `size` ranks sent, `length` doubles each, in rank order. */
export function sumRanks(all: Float64Array, size: number, length: number, total: Float64Array): void {
  total.fill(0);
  for (let rank = 0; rank < size; rank++) {
    for (let i = 0; i < length; i++) total[i] = (total[i] as number) + (all[rank * length + i] as number);
  }
}
