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
 *         variance = M2 / n. The sums are in float64 with their remainders, in rank order: every rank gets the same bits, which are
 *         those of one process where all terms are numbers of few bits.
 * Empty   Ranks without values add nothing. Where no rank has any, 0 is returned and nothing is written.
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
  for (let c = 0; c < channels; c++) {
    const [value, m2] = mergedChannel(all, starts, channels, c, count);
    mean[c] = value;
    variance[c] = m2 / count;
  }
  return count;
}

function mergedChannel(
  all: Float64Array,
  starts: readonly number[],
  channels: number,
  c: number,
  count: number,
): readonly [mean: number, m2: number] {
  const at = (i: number) => all[i] as number;
  const high = MEAN + c;
  const low = lowAt(channels) + c;
  const shift = at((starts[0] as number) + high);
  // Both sums keep what each addition rounds away.
  let sum = 0;
  let rest = 0;
  for (const start of starts) {
    const term = at(start + COUNT) * (at(start + high) - shift + at(start + low));
    const next = sum + term;
    rest += sumError(sum, term, next);
    sum = next;
  }
  const moved = (sum + rest) / count;
  const mean = shift + moved;
  const meanLow = sumError(shift, moved, mean);
  sum = 0;
  rest = 0;
  for (const start of starts) {
    const d = at(start + high) - mean + (at(start + low) - meanLow);
    for (const term of [at(start + m2At(channels) + c), at(start + COUNT) * d * d]) {
      const next = sum + term;
      rest += sumError(sum, term, next);
      sum = next;
    }
  }
  const m2 = sum + rest;
  if (Number.isFinite(mean) && Number.isFinite(m2)) return [mean, m2];
  return chained(all, starts, channels, c);
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
  for (let i = 0; i < length; i++) {
    let sum = 0;
    let rest = 0;
    for (let rank = 0; rank < size; rank++) {
      const value = all[rank * length + i] as number;
      const next = sum + value;
      rest += sumError(sum, value, next);
      sum = next;
    }
    total[i] = Number.isFinite(rest) ? sum + rest : sum;
  }
}
