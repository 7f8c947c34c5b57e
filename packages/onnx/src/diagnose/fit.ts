import type { Measured } from "./measure.ts";
import { channelOf, type Reading } from "./readings.ts";

/** The most that a channel counts, in logarithms, so that one dead channel does not outweigh a hundred others. */
const LIMIT = 4;

/** How well measured statistics fit the stored ones under a reading, over the channels that can be compared. */
export interface Fit {
  /** log(measured variance / stored variance) of each channel. */
  readonly off: readonly number[];
  /** The root mean square of (measured mean - stored mean) / measured deviation. */
  readonly shift: number;
}

/** The fit of a node to the statistics `stored`, which may belong to another node. */
export function fitOf(measured: Measured, reading: Reading, stored = measured.node): Fit {
  const off: number[] = [];
  let squares = 0;
  // A channel that is constant in the run gives no information.
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

/** The root mean square of the deviations from `centre`, in logarithms. */
export function spread(off: readonly number[], centre: number): number {
  const sum = off.reduce((total, one) => total + Math.min(LIMIT, Math.abs(one - centre)) ** 2, 0);
  return Math.sqrt(sum / Math.max(1, off.length));
}

/** The logarithm of how much likelier spread `after` is than the larger spread `before`, over `count` channels. */
export function evidence(before: number, after: number, count: number): number {
  return count * Math.log(before / after);
}

/** Describes a spread of logarithms as a factor. */
export function factorText(spread: number): string {
  return `a factor of ${Number(Math.exp(spread).toPrecision(2))}`;
}
