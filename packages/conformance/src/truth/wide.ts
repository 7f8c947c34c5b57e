import type { Dtype, HostArray } from "@bn/core";
import { addPairs, dividePairs, low, multiplyPairs, reciprocalRootOfPair } from "./pairs.ts";

/** One double-double per channel, stored in two arrays. */
export interface Wide {
  readonly hi: Float64Array;
  readonly lo: Float64Array;
}

export function wide(length: number): Wide {
  return { hi: new Float64Array(length), lo: new Float64Array(length) };
}

export function wideOf(values: ArrayLike<number>): Wide {
  return { hi: new Float64Array(values), lo: new Float64Array(values.length) };
}

/**
 * r = 1 / sqrt(variance + eps). For float32 it is computed in float64; plain.ts explains why that is enough. The
 * functions below do the same.
 */
export function reciprocalRoots({ hi, lo }: Wide, eps: number, dtype: Dtype): Wide {
  const out = wide(hi.length);
  for (let c = 0; c < hi.length; c++) {
    if (dtype === "float32") {
      out.hi[c] = 1 / Math.sqrt((hi[c] as number) + eps);
      continue;
    }
    const v = addPairs(hi[c] as number, lo[c] as number, eps, 0);
    out.hi[c] = reciprocalRootOfPair(v, low[0] as number);
    out.lo[c] = low[0] as number;
  }
  return out;
}

export function times({ hi, lo }: Wide, b: ArrayLike<number> | null, dtype: Dtype): Wide {
  if (b === null) return { hi, lo };
  const out = wide(hi.length);
  for (let c = 0; c < hi.length; c++) {
    if (dtype === "float32") {
      out.hi[c] = (hi[c] as number) * (b[c] as number);
      continue;
    }
    out.hi[c] = multiplyPairs(hi[c] as number, lo[c] as number, b[c] as number, 0);
    out.lo[c] = low[0] as number;
  }
  return out;
}

export function dividedBy({ hi, lo }: Wide, b: number, dtype: Dtype): Wide {
  const out = wide(hi.length);
  for (let c = 0; c < hi.length; c++) {
    if (dtype === "float32") {
      out.hi[c] = (hi[c] as number) / b;
      continue;
    }
    out.hi[c] = dividePairs(hi[c] as number, lo[c] as number, b, 0);
    out.lo[c] = low[0] as number;
  }
  return out;
}

/**
 * Loops over one type of array are fast. A backend whose arrays have another type than the buffer's dtype fails
 * memory/dtype-and-length.
 */
export function float32(values: HostArray): Float32Array {
  return values instanceof Float32Array ? values : new Float32Array(values);
}

export function float64(values: HostArray): Float64Array {
  return values instanceof Float64Array ? values : new Float64Array(values);
}
