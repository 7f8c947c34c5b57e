import type { HostArray } from "@bn/core";
import { addPairs, dividePairs, low, multiplyPairs, rootOfPair } from "./pairs.ts";

/** One double-double per channel, in two arrays. */
export interface Wide {
  readonly hi: Float64Array;
  readonly lo: Float64Array;
}

export function wide(length: number): Wide {
  return { hi: new Float64Array(length), lo: new Float64Array(length) };
}

export function wideOf(values: ArrayLike<number>): Wide {
  return { hi: Float64Array.from(values), lo: new Float64Array(values.length) };
}

/** `value` of each channel; it leaves the low part in `low[0]`, as the functions of pairs.ts do. */
export function wideMap(length: number, value: (c: number) => number): Wide {
  const out = wide(length);
  for (let c = 0; c < length; c++) {
    out.hi[c] = value(c);
    out.lo[c] = low[0] as number;
  }
  return out;
}

/** r = 1 / sqrt(variance + eps). */
export function reciprocalRoots({ hi, lo }: Wide, eps: number): Wide {
  return wideMap(hi.length, (c) => {
    const v = addPairs(hi[c] as number, lo[c] as number, eps, 0);
    const s = rootOfPair(v, low[0] as number);
    return dividePairs(1, 0, s, low[0] as number);
  });
}

export function times(a: Wide, b: ArrayLike<number> | null): Wide {
  if (b === null) return a;
  return wideMap(a.hi.length, (c) => multiplyPairs(a.hi[c] as number, a.lo[c] as number, b[c] as number, 0));
}

export function dividedBy(a: Wide, b: number): Wide {
  return wideMap(a.hi.length, (c) => dividePairs(a.hi[c] as number, a.lo[c] as number, b, 0));
}

/** Tensors are looked at as float64, whatever their dtype: loops over one type of array are fast. */
export function float64(values: HostArray): Float64Array {
  return values instanceof Float64Array ? values : new Float64Array(values);
}
