import type { HostArray } from "@bn/core";
import type { Comparison } from "../case.ts";
import { isHostArray, sameBits } from "./bits.ts";

/**
 * Compares bit by bit: zeros of different sign differ, and all NaNs are equal. The worst element is the first that differs.
 *
 * Errors: throws if the lengths differ.
 */
export function exactly(what: string, got: ArrayLike<number>, expected: ArrayLike<number>): Comparison {
  const { length } = expected;
  if (got.length !== length) throw new Error(`${what}: ${got.length} elements, expected ${length}`);
  const i = firstDifferent(got, expected);
  return i === length ? equal(what) : different(what, i, got[i] as number, expected[i] as number);
}

/** The first element that is another number than expected, or `expected.length`. */
export function firstDifferent(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  const { length } = expected;
  let i = sameBits(got, expected);
  while (i < length && sameNumber(got[i] as number, expected[i] as number)) i++;
  return i;
}

/** Object.is is not used, because engines compare two numbers much faster than two values of any type. */
function sameNumber(a: number, b: number): boolean {
  return a === b ? a !== 0 || 1 / a === 1 / b : a - a !== 0 && Object.is(a, b);
}

/** Consecutive elements, which all have one value or follow the pattern. */
export interface Stretch {
  /** The index after its last element. */
  readonly end: number;
  /** The value of all elements; null for the pattern. */
  readonly value: number | null;
}

/** The period is neither a power of two nor the size of a tile or row. */
const PERIOD = 8191;

export function patternAt(i: number): number {
  return (i % PERIOD) + 1;
}

/** The same for millions of elements, without a second array. `stretches` are consecutive and begin at element 0. */
export function inStretches(what: string, got: ArrayLike<number>, stretches: readonly Stretch[]): Comparison {
  const length = stretches.at(-1)?.end ?? 0;
  if (got.length !== length) throw new Error(`${what}: ${got.length} elements, expected ${length}`);
  let start = 0;
  for (const { end, value } of stretches) {
    const at = value === null ? offPattern(got, start, end) : offValue(got, start, end, value);
    if (at < end) return different(what, at, got[at] as number, value ?? patternAt(at));
    start = Math.max(start, end);
  }
  return equal(what);
}

function offValue(got: ArrayLike<number>, start: number, end: number, value: number): number {
  let at = start;
  if (isHostArray(got) && at < end) {
    const block = got.slice(0, Math.min(end - start, PERIOD)).fill(value);
    if (Object.is(block[0], value)) at = repeats(got, start, end, block);
  }
  while (at < end && sameNumber(got[at] as number, value)) at++;
  return at;
}

/** Writes the pattern into all elements. */
export function fillWithPattern(values: HostArray): void {
  values.set(pattern.subarray(0, values.length));
  for (let filled = PERIOD; filled < values.length; filled *= 2) values.copyWithin(filled, 0, filled);
}

const pattern = Float64Array.from({ length: PERIOD }, (_, i) => patternAt(i));
const pattern32 = new Float32Array(pattern);

function offPattern(got: ArrayLike<number>, start: number, end: number): number {
  let at = isHostArray(got) ? repeats(got, start, end, got instanceof Float32Array ? pattern32 : pattern) : start;
  while (at < end && got[at] === patternAt(at)) at++;
  return at;
}

/** Where `got` stops to have the bits of `block`, which is repeated from element 0. */
function repeats(got: HostArray, start: number, end: number, block: HostArray): number {
  let at = start;
  while (at < end) {
    const from = at % block.length;
    const part = got.subarray(at, Math.min(at + block.length - from, end));
    const same = sameBits(part, block.subarray(from));
    at += same;
    if (same < part.length) break;
  }
  return at;
}

function equal(what: string): Comparison {
  return { what, error: 0, bound: 0, ratio: 0, at: { outer: 0, channel: 0, inner: 0 }, got: 0, expected: 0 };
}

function different(what: string, inner: number, got: number, expected: number): Comparison {
  const found = {
    what,
    error: Math.abs(got - expected),
    bound: 0,
    ratio: Number.POSITIVE_INFINITY,
    at: { outer: 0, channel: 0, inner },
    got,
    expected,
  };
  return got === expected ? { ...found, note: "the sign of a zero" } : found;
}
