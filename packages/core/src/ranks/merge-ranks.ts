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

/** Working memory of `mergeRanks`, so that a layer needs no new memory per call. */
interface Room {
  readonly moved: Float64Array;
  readonly center: Float64Array;
  readonly centerLow: Float64Array;
  readonly squares: Float64Array;
}

export function createRoom(channels: number): Room {
  const some = () => new Float64Array(channels);
  return { moved: some(), center: some(), centerLow: some(), squares: some() };
}

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
  room: Room = createRoom(channels),
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
  const { moved, center, centerLow, squares } = room;
  moved.fill(0);
  squares.fill(0);
  for (let start = 0; start < end; start += length) {
    const n = all[start + COUNT]!;
    if (n === 0) continue;
    const high = start + MEAN;
    const low = high + channels;
    for (let c = 0; c < channels; c++) moved[c] = moved[c]! + n * (all[high + c]! - all[first + c]! + all[low + c]!);
  }
  for (let c = 0; c < channels; c++) {
    const shift = all[first + c]!;
    const by = moved[c]! / count;
    const sum = shift + by;
    center[c] = sum;
    centerLow[c] = sumError(shift, by, sum);
  }
  for (let start = 0; start < end; start += length) {
    const n = all[start + COUNT]!;
    if (n === 0) continue;
    const high = start + MEAN;
    const low = high + channels;
    const m2 = low + channels;
    for (let c = 0; c < channels; c++) {
      const d = all[high + c]! - center[c]! + (all[low + c]! - centerLow[c]!);
      squares[c] = squares[c]! + (all[m2 + c]! + n * d * d);
    }
  }
  let nothing = 0;
  for (let c = 0; c < channels; c++) {
    const at = center[c]!;
    const m2 = squares[c]!;
    mean[c] = at;
    variance[c] = m2 / count;
    nothing += at - at + (m2 - m2);
  }
  if (nothing !== 0) mendSpecials(all, size, channels, mean, variance, count, room);
  return count;
}

/** Recomputes channels that have NaN, infinities or sums beyond the range. */
function mendSpecials(
  all: Float64Array,
  size: number,
  channels: number,
  mean: { [c: number]: number },
  variance: { [c: number]: number },
  count: number,
  { center, squares }: Room,
): void {
  for (let c = 0; c < channels; c++) {
    if (Number.isFinite(center[c]) && Number.isFinite(squares[c])) continue;
    const [value, m2] = chained(all, size, channels, c);
    mean[c] = value;
    variance[c] = m2 / count;
  }
}

/**
 * Merges one rank after the other. This merge also handles NaN, infinities and means at both ends of the range (M-1).
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
  total.fill(0);
  for (let rank = 0; rank < size; rank++) {
    for (let i = 0; i < length; i++) total[i] = total[i]! + all[rank * length + i]!;
  }
}
