import { mergeParts, type Part, sumError } from "../statistics/merge.ts";

/**
 * The message that a rank sends for its moments: [count, digest, mean per channel, meanLow per channel, m2 per channel,
 * step].
 */
export const COUNT = 0;
export const DIGEST = 1;
const MEAN = 2;

export const momentsLength = (channels: number): number => MEAN + 3 * channels + 1;

/** The offsets of these fields in the message. */
export const meanAt = MEAN;
export const lowAt = (channels: number): number => MEAN + channels;
export const m2At = (channels: number): number => MEAN + 2 * channels;

/** The channels that are merged at a time. Memory of a fixed size is the fastest to compile for. */
const BLOCK = 512;
const moved = new Float64Array(BLOCK);
const center = new Float64Array(BLOCK);
const centerLow = new Float64Array(BLOCK);
const squares = new Float64Array(BLOCK);

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
  let first = 0;
  while (first < end && all[first + COUNT] === 0) first += length;
  let count = 0;
  for (let start = first; start < end; start += length) count += all[start + COUNT]!;
  if (count === 0) return 0;
  if (size === 2 && first === 0 && all[length + COUNT] !== 0 && mergeTwo(all, channels, mean, variance)) return count;
  for (let c0 = 0; c0 < channels; c0 += BLOCK) {
    const width = Math.min(BLOCK, channels - c0);
    mergeBlock(all, first, end, length, channels, c0, width, count);
    for (let i = 0; i < width; i++) {
      const c = c0 + i;
      const middle = center[i]!;
      const m2 = squares[i]!;
      if (middle - middle + (m2 - m2) === 0) {
        mean[c] = middle;
        variance[c] = m2 / count;
      } else {
        const careful = chained(all, size, channels, c);
        mean[c] = careful.mean;
        variance[c] = careful.m2 / count;
      }
    }
  }
  return count;
}

/**
 * Merges two ranks, both with values: the same operations as in `mergeBlock`, in one loop, with the sums in registers.
 * Returns whether all results are finite. Otherwise `mean` and `variance` have to be written again.
 */
function mergeTwo(
  all: Float64Array,
  channels: number,
  mean: { [c: number]: number },
  variance: { [c: number]: number },
): boolean {
  const second = momentsLength(channels);
  const n0 = all[COUNT]!;
  const n1 = all[second + COUNT]!;
  const count = n0 + n1;
  let finite = true;
  for (let c = 0; c < channels; c++) {
    const a = MEAN + c;
    const b = second + a;
    const shift = all[a]!;
    const low0 = all[a + channels]!;
    const mean1 = all[b]!;
    const low1 = all[b + channels]!;
    const by = (n0 * low0 + 0 + n1 * (mean1 - shift + low1)) / count;
    const middle = shift + by;
    const low = sumError(shift, by, middle);
    const d0 = shift - middle + (low0 - low);
    const d1 = mean1 - middle + (low1 - low);
    const m2 = all[a + 2 * channels]! + n0 * d0 * d0 + (all[b + 2 * channels]! + n1 * d1 * d1);
    if (middle - middle + (m2 - m2) !== 0) finite = false;
    mean[c] = middle;
    variance[c] = m2 / count;
  }
  return finite;
}

/**
 * Merges `width` channels from `c0` on. The result is in `center` and `squares`.
 *
 *     for each rank, for each channel:  moved += n_i (mean_i - s)
 *     for each channel:                 center + centerLow = s + moved / n
 *     for each rank, for each channel:  squares += M2_i + n_i (mean_i - center - centerLow)^2
 *
 * The channels are the inner loop, because they do not depend on each other, and are next to each other in memory. The
 * first rank begins the sums, so it needs no loops of its own.
 */
function mergeBlock(
  all: Float64Array,
  first: number,
  end: number,
  length: number,
  channels: number,
  c0: number,
  width: number,
  count: number,
): void {
  const offset = MEAN + c0;
  const shifts = first + offset;
  const firstCount = all[first + COUNT]!;
  for (let i = 0; i < width; i++) moved[i] = firstCount * all[shifts + channels + i]! + 0; // not -0
  for (let start = first + length; start < end; start += length) {
    const n = all[start + COUNT]!;
    const at = start + offset;
    if (n === 0) continue;
    for (let i = 0; i < width; i++) {
      moved[i] = moved[i]! + n * (all[at + i]! - all[shifts + i]! + all[at + channels + i]!);
    }
  }
  for (let i = 0; i < width; i++) {
    const shift = all[shifts + i]!;
    const by = moved[i]! / count;
    const middle = shift + by;
    const low = sumError(shift, by, middle);
    const d = shift - middle + (all[shifts + channels + i]! - low);
    center[i] = middle;
    centerLow[i] = low;
    squares[i] = all[shifts + 2 * channels + i]! + firstCount * d * d;
  }
  for (let start = first + length; start < end; start += length) {
    const n = all[start + COUNT]!;
    const at = start + offset;
    if (n === 0) continue;
    for (let i = 0; i < width; i++) {
      const d = all[at + i]! - center[i]! + (all[at + channels + i]! - centerLow[i]!);
      squares[i] = squares[i]! + (all[at + 2 * channels + i]! + n * d * d);
    }
  }
}

/**
 * Merges channel `c` one rank after the other. This merge also handles NaN, infinities, sums beyond the range, and means at
 * both ends of it (M-1).
 */
function chained(
  all: Float64Array,
  size: number,
  channels: number,
  c: number,
): { readonly mean: number; readonly m2: number } {
  const parts = Array.from({ length: size }, (_, rank): Part => {
    const start = rank * momentsLength(channels);
    const one = (i: number) => all.subarray(start + i + c, start + i + c + 1);
    return { count: all[start + COUNT]!, mean: one(MEAN), meanLow: one(lowAt(channels)), m2: one(m2At(channels)) };
  });
  const { mean, meanLow, m2 } = parts.reduce(mergeParts); // parts without values change nothing
  return { mean: mean[0]! + meanLow[0]!, m2: m2[0]! };
}

/** Adds, element by element and in rank order, the `length` doubles that each of `size` ranks sent. */
export function sumRanks(all: Float64Array, size: number, length: number, total: Float64Array): void {
  for (let i = 0; i < length; i++) total[i] = all[i]! + 0; // not -0
  for (let start = length; start < size * length; start += length) {
    for (let i = 0; i < length; i++) total[i] = total[i]! + all[start + i]!;
  }
}
