import type { Dtype, Geometry, HostArray } from "@bn/core";
import type { Comparison } from "../case.ts";
import { gather32, gather64, gathered } from "./gather.ts";
import { pairLine, pairPlane } from "./pair-maps.ts";
import { plainLine, plainPlane } from "./plain.ts";
import { float32, float64, type Wide } from "./wide.ts";
import { Worst } from "./worst.ts";

/**
 * y = (x - mean) scale + shift, within fixed + slope |x - mean|. It describes normalize, scale, and dx without sums.
 */
export interface Line {
  /** null stands for 0. */
  readonly mean: Wide | null;
  readonly scale: Wide;
  readonly shift: ArrayLike<number> | null;
  readonly fixed: Float64Array;
  readonly slope: Float64Array;
}

/** Computes, bounds and compares expected values in one loop, without storing anything of the tensor's size. */
export function compareLine(
  what: string,
  got: HostArray,
  x: HostArray,
  g: Geometry,
  dtype: Dtype,
  line: Line,
): Comparison {
  const worst = new Worst(dtype);
  const rows = gathered(g);
  if (dtype === "float32") plainLine(worst, gather32(float32(got), g, 0), gather32(float32(x), g, 1), rows, line);
  else pairLine(worst, gather64(float64(got), g, 0), gather64(float64(x), g, 1), rows, line);
  return placed(worst.comparison(what, rows), g);
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
  got: HostArray,
  dy: HostArray,
  x: HostArray,
  g: Geometry,
  dtype: Dtype,
  plane: Plane,
): Comparison {
  const worst = new Worst(dtype);
  const rows = gathered(g);
  if (dtype === "float32") {
    const [y, gradient, input] = [
      gather32(float32(got), g, 0),
      gather32(float32(dy), g, 1),
      gather32(float32(x), g, 2),
    ];
    plainPlane(worst, y, gradient, input, rows, plane);
  } else {
    const [y, gradient, input] = [
      gather64(float64(got), g, 0),
      gather64(float64(dy), g, 1),
      gather64(float64(x), g, 2),
    ];
    pairPlane(worst, y, gradient, input, rows, plane);
  }
  return placed(worst.comparison(what, rows), g);
}

/** The comparison with its element's position in `g`. Gathered values have all rows of a channel in one. */
function placed(found: Comparison, { inner }: Geometry): Comparison {
  const { outer, channel, inner: k } = found.at;
  return { ...found, at: { outer: outer + Math.floor(k / inner), channel, inner: k % inner } };
}

/**
 * Compares one value per channel with hi + lo, within `bound`. If the truth is infinite or NaN, either is accepted,
 * because the result depends on the order of the sum.
 */
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
  let ratio = worst.ratio;
  for (let c = 0; c < length; c++) {
    const value = got[c] as number;
    const high = hi[c] as number;
    const rest = lo[c] as number;
    const allowed = bound[c] as number;
    const limit = ratio * (allowed + Math.abs(high) * 2 ** -53);
    if (Math.abs(value - high - rest) <= limit && limit < Number.POSITIVE_INFINITY) continue;
    const poisoned = !Number.isFinite(high) && !Number.isFinite(value);
    if (!poisoned) ratio = worst.add(c, value, high, rest, allowed);
  }
  return worst.comparison(what, { outer: 1, channels: length, inner: 1 });
}
