import type { Dtype, Geometry, HostArray } from "@bn/core";
import { pairMoments, pairProductSum, pairSum } from "./pair-sums.ts";
import { plainMoments, plainProductSum, plainSum } from "./plain.ts";
import { float32, float64, type Wide } from "./wide.ts";

/** The moments of K-1, and max |x - mean|, which N-2 needs. */
export interface WideMoments {
  readonly mean: Wide;
  readonly variance: Wide;
  readonly reach: Float64Array;
}

/** mean = sum x / m, variance = sum (x - mean)^2 / m. */
export function wideMoments(x: HostArray, g: Geometry, dtype: Dtype): WideMoments {
  return dtype === "float32" ? plainMoments(float32(x), g) : pairMoments(float64(x), g);
}

/** A sum per channel, and the sum of its terms' magnitudes, which N-1 needs. */
export interface WideSum {
  readonly sum: Wide;
  readonly size: Float64Array;
}

/** sum dy. */
export function wideSum(dy: HostArray, g: Geometry, dtype: Dtype): WideSum {
  return dtype === "float32" ? plainSum(float32(dy), g) : pairSum(float64(dy), g);
}

/** sum dy (x - mean) r. */
export function wideProductSum(dy: HostArray, x: HostArray, g: Geometry, mean: Wide, r: Wide, dtype: Dtype): WideSum {
  if (dtype === "float32") return plainProductSum(float32(dy), float32(x), g, mean.hi, r.hi);
  return pairProductSum(float64(dy), float64(x), g, mean, r);
}
