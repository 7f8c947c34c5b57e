import type { Dtype, Geometry, HostArray } from "@bn/core";
import type { Comparison } from "../case.ts";
import { addPairs, low, multiplyPairs } from "./pairs.ts";
import { plainLine, plainPlane } from "./plain.ts";
import { float64, type Wide, wide } from "./wide.ts";
import { Worst } from "./worst.ts";

/** y = (x - mean) scale + shift, within fixed + slope |x - mean|: normalize, scale, and dx without sums. */
export interface Line {
  /** null: 0. */
  readonly mean: Wide | null;
  readonly scale: Wide;
  readonly shift: ArrayLike<number> | null;
  readonly fixed: Float64Array;
  readonly slope: Float64Array;
}

/** Expected values are computed, bounded and compared in one go: nothing of the tensor's size is stored. */
export function compareLine(
  what: string,
  gotValues: HostArray,
  xValues: HostArray,
  g: Geometry,
  dtype: Dtype,
  line: Line,
): Comparison {
  const got = float64(gotValues);
  const x = float64(xValues);
  const worst = new Worst(dtype);
  if (dtype === "float32") {
    plainLine(worst, got, x, g, line);
    return worst.comparison(what, g);
  }
  const { outer, channels, inner } = g;
  const mean = line.mean ?? wide(channels);
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++, i += inner) {
      const mh = mean.hi[c] as number;
      const ml = mean.lo[c] as number;
      const sh = line.scale.hi[c] as number;
      const sl = line.scale.lo[c] as number;
      const shift = line.shift ? (line.shift[c] as number) : 0;
      const fixed = line.fixed[c] as number;
      const slope = line.slope[c] as number;
      for (let k = i; k < i + inner; k++) {
        const d = addPairs(x[k] as number, 0, -mh, -ml);
        const t = multiplyPairs(d, low[0] as number, sh, sl);
        const y = addPairs(t, low[0] as number, shift, 0);
        worst.add(k, got[k] as number, y, low[0] as number, fixed + slope * Math.abs(d));
      }
    }
  }
  return worst.comparison(what, g);
}

/** dx = scale (dy - a - (x - mean) r b), within fixed + slope |dy| + tilt |x - mean|. */
export interface Plane {
  readonly mean: Wide;
  readonly r: Wide;
  readonly scale: Wide;
  readonly a: Wide;
  readonly b: Wide;
  readonly fixed: Float64Array;
  readonly slope: Float64Array;
  readonly tilt: Float64Array;
}

export function comparePlane(
  what: string,
  gotValues: HostArray,
  dyValues: HostArray,
  xValues: HostArray,
  g: Geometry,
  dtype: Dtype,
  plane: Plane,
): Comparison {
  const got = float64(gotValues);
  const dy = float64(dyValues);
  const x = float64(xValues);
  const worst = new Worst(dtype);
  if (dtype === "float32") {
    plainPlane(worst, got, dy, x, g, plane);
    return worst.comparison(what, g);
  }
  const { outer, channels, inner } = g;
  const { mean, r, scale, a, b } = plane;
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++, i += inner) {
      const mh = mean.hi[c] as number;
      const ml = mean.lo[c] as number;
      const rh = r.hi[c] as number;
      const rl = r.lo[c] as number;
      const sh = scale.hi[c] as number;
      const sl = scale.lo[c] as number;
      const ah = a.hi[c] as number;
      const al = a.lo[c] as number;
      const bh = b.hi[c] as number;
      const bl = b.lo[c] as number;
      const fixed = plane.fixed[c] as number;
      const slope = plane.slope[c] as number;
      const tilt = plane.tilt[c] as number;
      for (let k = i; k < i + inner; k++) {
        const d = addPairs(x[k] as number, 0, -mh, -ml);
        const xhat = multiplyPairs(d, low[0] as number, rh, rl);
        const xb = multiplyPairs(xhat, low[0] as number, bh, bl);
        const xbl = low[0] as number;
        const e = addPairs(dy[k] as number, 0, -ah, -al);
        const f = addPairs(e, low[0] as number, -xb, -xbl);
        const dx = multiplyPairs(f, low[0] as number, sh, sl);
        const bound = fixed + slope * Math.abs(dy[k] as number) + tilt * Math.abs(d);
        worst.add(k, got[k] as number, dx, low[0] as number, bound);
      }
    }
  }
  return worst.comparison(what, g);
}

/** A value per channel: hi + lo, within `bound`. One that is infinite or NaN may come as either: sums have an order. */
export function compareChannels(
  what: string,
  got: ArrayLike<number>,
  { hi, lo }: Wide,
  bound: ArrayLike<number>,
  dtype: Dtype,
): Comparison {
  const worst = new Worst(dtype);
  const { length } = hi;
  if (got.length !== length) throw new Error(`${what}: ${got.length} elements, expected ${length}`);
  const g = { outer: 1, channels: length, inner: 1 };
  for (let c = 0; c < length; c++) {
    const poisoned = !Number.isFinite(hi[c] as number) && !Number.isFinite(got[c] as number);
    if (!poisoned) worst.add(c, got[c] as number, hi[c] as number, lo[c] as number, bound[c] as number);
  }
  return worst.comparison(what, g);
}
