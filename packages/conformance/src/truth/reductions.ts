import type { Dtype, Geometry, HostArray } from "@bn/core";
import { addPairs, dividePairs, low, multiplyPairs } from "./pairs.ts";
import { plainMoments, plainProductSum, plainSum } from "./plain.ts";
import { float64, type Wide, wide, wideMap } from "./wide.ts";

/** K-1, and max |x - mean|, which N-2 needs. */
export interface WideMoments {
  readonly mean: Wide;
  readonly variance: Wide;
  readonly reach: Float64Array;
}

/** mean = sum x / m, variance = sum (x - mean)^2 / m, of deviations times a power of two, so that no square overflows. */
export function wideMoments(values: HostArray, g: Geometry, dtype: Dtype): WideMoments {
  const x = float64(values);
  if (dtype === "float32") return plainMoments(x, g);
  const { outer, channels, inner } = g;
  const m = outer * inner;
  const sum = wide(channels);
  const far = new Float64Array(channels);
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++, i += inner) {
      const first = x[c * inner] as number;
      const shrink = shrinkOf(first);
      let hi = sum.hi[c] as number;
      let lo = sum.lo[c] as number;
      let most = far[c] as number;
      for (let k = i; k < i + inner; k++) {
        const value = x[k] as number;
        hi = addPairs(hi, lo, value * shrink, 0);
        lo = low[0] as number;
        const distance = Math.abs(value - first);
        if (distance > most) most = distance;
      }
      sum.hi[c] = hi;
      sum.lo[c] = lo;
      far[c] = most;
    }
  }
  const mean = wideMap(channels, (c) => {
    const shrink = shrinkOf(x[c * inner] as number);
    const small = dividePairs(sum.hi[c] as number, sum.lo[c] as number, m, 0);
    low[0] = (low[0] as number) / shrink;
    return small / shrink;
  });
  const unit = far.map((most) => (most > 0 && most < Number.POSITIVE_INFINITY ? 2 ** -Math.ceil(Math.log2(most)) : 1));
  const squares = wide(channels);
  const reach = new Float64Array(channels);
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++, i += inner) {
      const mh = mean.hi[c] as number;
      const ml = mean.lo[c] as number;
      const by = unit[c] as number;
      let hi = squares.hi[c] as number;
      let lo = squares.lo[c] as number;
      let most = reach[c] as number;
      for (let k = i; k < i + inner; k++) {
        const d = addPairs(x[k] as number, 0, -mh, -ml);
        const dl = (low[0] as number) * by;
        const q = multiplyPairs(d * by, dl, d * by, dl);
        hi = addPairs(hi, lo, q, low[0] as number);
        lo = low[0] as number;
        if (!(Math.abs(d) <= most)) most = Math.abs(d);
      }
      squares.hi[c] = hi;
      squares.lo[c] = lo;
      reach[c] = most;
    }
  }
  const variance = wideMap(channels, (c) => {
    const v = dividePairs(squares.hi[c] as number, squares.lo[c] as number, m, 0);
    const by = unit[c] as number;
    low[0] = (low[0] as number) / by / by;
    return v / by / by;
  });
  return { mean, variance, reach };
}

/** Near the end of float64 a mean is a number where the sum is none. */
function shrinkOf(first: number): number {
  return Math.abs(first) > 2 ** 900 ? 2 ** -64 : 1;
}

/** A sum per channel, and the sum of its terms' magnitudes, which N-1 needs. */
export interface WideSum {
  readonly sum: Wide;
  readonly size: Float64Array;
}

/** sum dy. */
export function wideSum(values: HostArray, g: Geometry, dtype: Dtype): WideSum {
  const dy = float64(values);
  if (dtype === "float32") return plainSum(dy, g);
  const { outer, channels, inner } = g;
  const [sum, size] = [wide(channels), new Float64Array(channels)];
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++, i += inner) {
      let hi = sum.hi[c] as number;
      let lo = sum.lo[c] as number;
      let total = size[c] as number;
      for (let k = i; k < i + inner; k++) {
        const value = dy[k] as number;
        hi = addPairs(hi, lo, value, 0);
        lo = low[0] as number;
        total += Math.abs(value);
      }
      sum.hi[c] = hi;
      sum.lo[c] = lo;
      size[c] = total;
    }
  }
  return { sum, size };
}

/** sum dy (x - mean) r. */
export function wideProductSum(
  dyValues: HostArray,
  xValues: HostArray,
  g: Geometry,
  mean: Wide,
  r: Wide,
  dtype: Dtype,
): WideSum {
  const dy = float64(dyValues);
  const x = float64(xValues);
  if (dtype === "float32") return plainProductSum(dy, x, g, mean.hi, r.hi);
  const { outer, channels, inner } = g;
  const [sum, size] = [wide(channels), new Float64Array(channels)];
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++, i += inner) {
      const mh = mean.hi[c] as number;
      const ml = mean.lo[c] as number;
      const rh = r.hi[c] as number;
      const rl = r.lo[c] as number;
      let hi = sum.hi[c] as number;
      let lo = sum.lo[c] as number;
      let total = size[c] as number;
      for (let k = i; k < i + inner; k++) {
        const d = addPairs(x[k] as number, 0, -mh, -ml);
        const xhat = multiplyPairs(d, low[0] as number, rh, rl);
        const term = multiplyPairs(xhat, low[0] as number, dy[k] as number, 0);
        hi = addPairs(hi, lo, term, low[0] as number);
        lo = low[0] as number;
        total += Math.abs(term);
      }
      sum.hi[c] = hi;
      sum.lo[c] = lo;
      size[c] = total;
    }
  }
  return { sum, size };
}
