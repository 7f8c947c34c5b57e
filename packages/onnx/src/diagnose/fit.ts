import type { Measured } from "./measure.ts";
import { channelOf, type Reading } from "./readings.ts";

/** A channel counts for at most this much, in logarithms: a dead one must not outweigh a hundred. */
const LIMIT = 4;

/** How measured statistics compare with stored ones under a reading, over the channels that can be compared. */
export interface Fit {
  /** log(measured variance / stored variance), of each channel. */
  readonly off: readonly number[];
  /** Root mean square of (measured mean - stored mean) / measured deviation. */
  readonly shift: number;
}

/** Of a node, with the statistics of `stored`, which may be another node's. */
export function fitOf(measured: Measured, reading: Reading, stored = measured.node): Fit {
  const off: number[] = [];
  let squares = 0;
  // A channel that is constant in the run tells nothing.
  const most = measured.variance.reduce((a, b) => Math.max(a, b), 0);
  for (const [c, variance] of measured.variance.entries()) {
    if (!(variance > most * 1e-12)) continue;
    const read = reading.of(channelOf(stored.layer, c));
    off.push(read.variance > 0 ? Math.log(variance) - Math.log(read.variance) : Number.POSITIVE_INFINITY);
    squares += ((measured.mean[c] as number) - read.mean) ** 2 / variance;
  }
  return { off, shift: Math.sqrt(squares / Math.max(1, off.length)) };
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** Root mean square of the deviations from `centre`, in logarithms. */
export function spread(off: readonly number[], centre: number): number {
  const sum = off.reduce((total, one) => total + Math.min(LIMIT, Math.abs(one - centre)) ** 2, 0);
  return Math.sqrt(sum / Math.max(1, off.length));
}

/** How much likelier a spread is than a larger one, as a logarithm, over `count` channels. */
export function evidence(before: number, after: number, count: number): number {
  return count * Math.log(before / after);
}

/** A spread of logarithms in words: a factor. */
export function factorText(spread: number): string {
  return `a factor of ${Number(Math.exp(spread).toPrecision(2))}`;
}
