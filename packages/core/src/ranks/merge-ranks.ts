import { mergeParts, type Part, sumError } from "../statistics/merge.ts";

/**
 * The message that a rank sends for its moments: [count, digest, mean per channel, meanLow per channel, m2 per
 * channel].
 */
export const COUNT = 0;
export const DIGEST = 1;
const MEAN = 2;

export const momentsLength = (channels: number): number => MEAN + 3 * channels;

/** The offsets of these fields in the message. */
export const meanAt = MEAN;
export const lowAt = (channels: number): number => MEAN + channels;
export const m2At = (channels: number): number => MEAN + 2 * channels;

/**
 * Merges the moments that `size` ranks sent into those of all their values together. Writes mean and variance,
 * and returns the count.
 *
 * Math    s = mean of the first rank that has values; mean = s + sum n_i (mean_i - s) / n; M2 = sum M2_i + sum n_i
 *         (mean_i - mean)^2; variance = M2 / n. The sums are in float64, in rank order, so every rank gets the same
 *         bits. They are the bits of a single process if all terms are numbers of few bits.
 * Empty   Ranks without values add nothing. If no rank has values, the result is 0, and mean and variance keep their
 *         contents.
 */
export function mergeRanks(
  all: Float64Array,
  size: number,
  channels: number,
  mean: { [c: number]: number },
  variance: { [c: number]: number },
): number {
  const length = momentsLength(channels);
  const end = size * length;
  let count = 0;
  let first = MEAN;
  for (let start = 0; start < end; start += length) {
    if (count === 0) first = start + MEAN;
    count += all[start + COUNT]!;
  }
  if (count === 0) return 0;
  for (let c = 0; c < channels; c++) {
    const shift = all[first + c]!;
    let moved = 0;
    for (let at = MEAN + c; at < end; at += length) {
      const n = all[at - MEAN - c]!;
      if (n !== 0) moved += n * (all[at]! - shift + all[at + channels]!);
    }
    const by = moved / count;
    const center = shift + by;
    const centerLow = sumError(shift, by, center);
    let squares = 0;
    for (let at = MEAN + c; at < end; at += length) {
      const n = all[at - MEAN - c]!;
      if (n === 0) continue;
      const d = all[at]! - center + (all[at + channels]! - centerLow);
      squares += all[at + 2 * channels]! + n * d * d;
    }
    if (center - center + (squares - squares) === 0) {
      mean[c] = center;
      variance[c] = squares / count;
    } else {
      const [value, m2] = chained(all, size, channels, c);
      mean[c] = value;
      variance[c] = m2 / count;
    }
  }
  return count;
}

/**
 * Merges channel `c` one rank after the other. This merge also handles NaN, infinities, sums beyond the range, and means at
 * both ends of it (M-1).
 */
function chained(all: Float64Array, size: number, channels: number, c: number): readonly [mean: number, m2: number] {
  const parts = Array.from({ length: size }, (_, rank): Part => {
    const start = rank * momentsLength(channels);
    const one = (i: number) => all.subarray(start + i + c, start + i + c + 1);
    return { count: all[start + COUNT]!, mean: one(MEAN), meanLow: one(lowAt(channels)), m2: one(m2At(channels)) };
  });
  const { mean, meanLow, m2 } = parts.reduce(mergeParts); // parts without values change nothing
  return [mean[0]! + meanLow[0]!, m2[0]!];
}

/** Adds, element by element and in rank order, the `length` doubles that each of `size` ranks sent. */
export function sumRanks(all: Float64Array, size: number, length: number, total: Float64Array): void {
  const end = size * length;
  for (let i = 0; i < length; i++) {
    let sum = 0;
    for (let at = i; at < end; at += length) sum += all[at]!;
    total[i] = sum;
  }
}
