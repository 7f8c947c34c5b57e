import type { Dtype, Geometry, HostArray } from "@bn/core";
import { gather32, gather64, gathered } from "./gather.ts";
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
  const rows = gathered(g);
  if (dtype === "float32") return plainMoments(gather32(float32(x), g), rows);
  return pairMoments(gather64(float64(x), g), rows);
}

/** A sum per channel, and the sum of its terms' magnitudes, which N-1 needs. */
export interface WideSum {
  readonly sum: Wide;
  readonly size: Float64Array;
}

/** sum dy. */
export function wideSum(dy: HostArray, g: Geometry, dtype: Dtype): WideSum {
  const rows = gathered(g);
  if (dtype === "float32") return plainSum(gather32(float32(dy), g), rows);
  return pairSum(gather64(float64(dy), g), rows);
}

/** sum dy (x - mean) r. */
export function wideProductSum(dy: HostArray, x: HostArray, g: Geometry, mean: Wide, r: Wide, dtype: Dtype): WideSum {
  const rows = gathered(g);
  if (dtype === "float32") {
    return plainProductSum(gather32(float32(dy), g, 0), gather32(float32(x), g, 1), rows, mean.hi, r.hi);
  }
  return pairProductSum(gather64(float64(dy), g, 0), gather64(float64(x), g, 1), rows, mean, r);
}

/** Both, with the tensors gathered once. */
export function wideSums(
  dy: HostArray,
  x: HostArray,
  g: Geometry,
  mean: Wide,
  r: Wide,
  dtype: Dtype,
): { readonly dy: WideSum; readonly dyXhat: WideSum } {
  const rows = gathered(g);
  if (dtype === "float32") {
    const [gradient, input] = [gather32(float32(dy), g, 0), gather32(float32(x), g, 1)];
    return { dy: plainSum(gradient, rows), dyXhat: plainProductSum(gradient, input, rows, mean.hi, r.hi) };
  }
  const [gradient, input] = [gather64(float64(dy), g, 0), gather64(float64(x), g, 1)];
  return { dy: pairSum(gradient, rows), dyXhat: pairProductSum(gradient, input, rows, mean, r) };
}
