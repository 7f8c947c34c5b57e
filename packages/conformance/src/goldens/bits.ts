import type { HostArray } from "@bn/core";
import type { Comparison } from "../case.ts";
import { indexOf } from "../truth/compare.ts";

/**
 * Compares bit for bit; the first difference is the worst. No bound can measure a difference of bits, so the ratio is 0
 * or Infinity. With `byValue`, all NaNs are equal, and 0 equals -0.
 */
export function sameBits(
  what: string,
  got: HostArray,
  expected: HostArray,
  geometry = { outer: 1, channels: got.length, inner: 1 },
  byValue = true,
): Comparison {
  const [a, b] = [wordsOf(got), wordsOf(expected)];
  const words = a.length / Math.max(got.length, 1);
  for (let w = 0; w < a.length; w++) {
    if (a[w] === b[w]) continue;
    const i = Math.floor(w / words);
    const [g, e] = [got[i] as number, expected[i] as number];
    if (byValue && (g === e || (Number.isNaN(g) && Number.isNaN(e)))) continue;
    const note = `the bits are ${hex(a, i, words)}, expected ${hex(b, i, words)}`;
    const error = Math.abs(g - e);
    const at = indexOf(i, geometry);
    return { what, error, bound: 0, ratio: Number.POSITIVE_INFINITY, at, got: g, expected: e, note };
  }
  return { what, error: 0, bound: 0, ratio: 0, at: indexOf(0, geometry), got: got[0] ?? 0, expected: expected[0] ?? 0 };
}

function wordsOf({ buffer, byteOffset, byteLength }: HostArray): Uint32Array {
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}

function hex(words: Uint32Array, i: number, each: number): string {
  const parts = Array.from(words.subarray(i * each, (i + 1) * each), (word) => word.toString(16).padStart(8, "0"));
  return parts.reverse().join("");
}
