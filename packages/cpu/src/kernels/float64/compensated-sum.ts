import type { Scratch } from "../../scratch.ts";

/**
 * Compensated addition (Neumaier, 1974) of partial sums: the sum of k of them has an error of 2 u instead of k u (N-1).
 * Float64 needs it because there is no wider type to add in.
 */

/** Clears the four numbers of scratch that hold channel c's two sums: (a, b) and (c, d) are high and low parts. */
export function clear(s: Scratch, c: number): void {
  s.a[c] = s.b[c] = s.c[c] = s.d[c] = 0;
}

/** Adds one partial sum to each of the two sums. */
export function add(s: Scratch, c: number, first: number, second: number): void {
  addTo(s.a, s.b, c, first);
  addTo(s.c, s.d, c, second);
}

export function firstSum(s: Scratch, c: number): number {
  return total(s.a[c]!, s.b[c]!);
}

export function secondSum(s: Scratch, c: number): number {
  return total(s.c[c]!, s.d[c]!);
}

function addTo(high: Float64Array, low: Float64Array, c: number, value: number): void {
  const before = high[c]!;
  const after = before + value;
  low[c] = low[c]! + (Math.abs(before) >= Math.abs(value) ? before - after + value : value - after + before);
  high[c] = after;
}

/** The low part of an infinite sum is NaN (infinity - infinity), so it is ignored. */
function total(high: number, low: number): number {
  return high - high === 0 ? high + low : high;
}
