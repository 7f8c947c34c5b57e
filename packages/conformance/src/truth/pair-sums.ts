import type { Geometry } from "@bn/core";
import { dividePairs, low, multiplyPairs, SPLIT } from "./pairs.ts";
import type { WideMoments, WideSum } from "./reductions.ts";
import { type Wide, wide } from "./wide.ts";

/**
 * The sums of float64 in double-double. Products are computed as in pairs.ts, but written out, because a call per
 * element costs more than its arithmetic. A sum consists of a high part and of all rounding errors of its additions
 * (Ogita, Rump and Oishi 2005, algorithm 4.4). Its error is m^2 2^-106 of the sum of magnitudes, which is 2^-58 of them
 * for m = 2^24, where N-1 allows 40 * 2^-53.
 */
type Values = Float64Array;

/**
 * mean = sum x / m, variance = sum (x - mean)^2 / m. Deviations are multiplied by a power of two, so that no square
 * overflows.
 */
export function pairMoments(x: Values, g: Geometry): WideMoments {
  const { outer, channels, inner } = g;
  const m = outer * inner;
  const sum = wide(channels);
  const far = new Float64Array(channels);
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const first = x[c * inner] as number;
      const shrink = shrinkOf(first);
      let hi = sum.hi[c] as number;
      let lo = sum.lo[c] as number;
      let most = far[c] as number;
      for (const end = i + inner; i < end; i++) {
        const value = x[i] as number;
        const small = value * shrink;
        const s = hi + small;
        const t = s - hi;
        lo += hi - (s - t) + (small - t);
        hi = s;
        const distance = Math.abs(value - first);
        if (distance > most) most = distance;
      }
      sum.hi[c] = hi;
      sum.lo[c] = lo;
      far[c] = most;
    }
  }
  join(sum);
  const [mean, unit] = [wide(channels), new Float64Array(channels)];
  for (let c = 0; c < channels; c++) {
    const shrink = shrinkOf(x[c * inner] as number);
    mean.hi[c] = dividePairs(sum.hi[c] as number, sum.lo[c] as number, m, 0) / shrink;
    mean.lo[c] = (low[0] as number) / shrink;
    const most = far[c] as number;
    unit[c] = 1 / powerOf(most);
  }
  const squares = wide(channels);
  const reach = new Float64Array(channels);
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const mh = mean.hi[c] as number;
      const ml = mean.lo[c] as number;
      const by = unit[c] as number;
      let hi = squares.hi[c] as number;
      let lo = squares.lo[c] as number;
      let most = reach[c] as number;
      for (const end = i + inner; i < end; i++) {
        const value = x[i] as number;
        const near = value - mh;
        const back = near - value;
        const rest = value - (near - back) - (mh + back) - ml;
        const d = near + rest;
        const dl = (rest - (d - near)) * by;
        const a = d * by;
        const p = a * a;
        const wider = SPLIT * a;
        const a1 = wider - (wider - a);
        const a2 = a - a1;
        const s = hi + p;
        const t = s - hi;
        lo += hi - (s - t) + (p - t) + (a1 * a1 - p + 2 * a1 * a2 + a2 * a2 + 2 * a * dl);
        hi = s;
        const size = Math.abs(d);
        if (!(size <= most)) most = size;
      }
      squares.hi[c] = hi;
      squares.lo[c] = lo;
      reach[c] = most;
    }
  }
  join(squares);
  const variance = wide(channels);
  for (let c = 0; c < channels; c++) {
    const by = unit[c] as number;
    variance.hi[c] = dividePairs(squares.hi[c] as number, squares.lo[c] as number, m, 0) / by / by;
    variance.lo[c] = (low[0] as number) / by / by;
  }
  return { mean, variance, reach };
}

/** Near the end of float64's range, the mean may be finite although the sum overflows. */
function shrinkOf(first: number): number {
  return Math.abs(first) > 2 ** 900 ? 2 ** -64 : 1;
}

/** sum dy. */
export function pairSum(dy: Values, { outer, channels, inner }: Geometry): WideSum {
  const [sum, size] = [wide(channels), new Float64Array(channels)];
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      let hi = sum.hi[c] as number;
      let lo = sum.lo[c] as number;
      let total = size[c] as number;
      for (const end = i + inner; i < end; i++) {
        const value = dy[i] as number;
        const s = hi + value;
        const t = s - hi;
        lo += hi - (s - t) + (value - t);
        hi = s;
        total += Math.abs(value);
      }
      sum.hi[c] = hi;
      sum.lo[c] = lo;
      size[c] = total;
    }
  }
  join(sum);
  return { sum, size };
}

/**
 * sum dy (x - mean) r. The power of two of r is applied to each term, so that no product leaves the range, and the rest
 * of r is applied at the end.
 */
export function pairProductSum(
  dy: Values,
  x: Values,
  { outer, channels, inner }: Geometry,
  mean: Wide,
  r: Wide,
): WideSum {
  const [sum, size] = [wide(channels), new Float64Array(channels)];
  const power = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    power[c] = powerOf(r.hi[c] as number);
  }
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const mh = mean.hi[c] as number;
      const ml = mean.lo[c] as number;
      const by = power[c] as number;
      let hi = sum.hi[c] as number;
      let lo = sum.lo[c] as number;
      let total = size[c] as number;
      for (const end = i + inner; i < end; i++) {
        const value = x[i] as number;
        const near = value - mh;
        const back = near - value;
        const rest = (value - (near - back) - (mh + back) - ml) * by;
        const a = near * by;
        const b = dy[i] as number;
        const p = a * b;
        const as = SPLIT * a;
        const bs = SPLIT * b;
        const a1 = as - (as - a);
        const a2 = a - a1;
        const b1 = bs - (bs - b);
        const b2 = b - b1;
        const q = a1 * b1 - p + a1 * b2 + a2 * b1 + a2 * b2 + rest * b;
        const s = hi + p;
        const t = s - hi;
        // Numbers too large to be split have no low part.
        lo += hi - (s - t) + (p - t) + (q - q === 0 ? q : 0);
        hi = s;
        total += Math.abs(q - q === 0 ? p + q : p);
      }
      sum.hi[c] = hi;
      sum.lo[c] = lo;
      size[c] = total;
    }
  }
  join(sum);
  for (let c = 0; c < channels; c++) {
    const by = power[c] as number;
    const rest = (r.hi[c] as number) / by;
    sum.hi[c] = multiplyPairs(sum.hi[c] as number, sum.lo[c] as number, rest, (r.lo[c] as number) / by);
    sum.lo[c] = low[0] as number;
    size[c] = (size[c] as number) * rest;
  }
  return { sum, size };
}

/**
 * Returns the power of two below a number that is so large or small that its square, or its product with another, may
 * leave the range; otherwise 1.
 */
function powerOf(size: number): number {
  if (size > 2 ** -64 && size < 2 ** 64) return 1;
  return size > 0 && size < Number.POSITIVE_INFINITY ? 2 ** Math.max(Math.floor(Math.log2(size)), -1000) : 1;
}

/** Joins high parts and rounding errors into pairs. Infinities and NaN have no low part. */
function join({ hi, lo }: Wide): void {
  for (let c = 0; c < hi.length; c++) {
    const high = hi[c] as number;
    const rest = lo[c] as number;
    const s = high + rest;
    const finite = s - s === 0;
    hi[c] = finite ? s : high;
    lo[c] = finite ? rest - (s - high) : 0;
  }
}
