import type { Geometry } from "@bn/core";
import type { Line, Plane } from "./maps.ts";
import { addPairs, low, multiplyPairs, SPLIT } from "./pairs.ts";
import { type Wide, wide } from "./wide.ts";
import type { Worst } from "./worst.ts";

/**
 * The maps of float64 in double-double. This is the arithmetic of pairs.ts, written out, with the numbers of a channel
 * split once. It only decides that an element is no worse than an earlier one. If it cannot decide this, because an
 * error is the largest so far or something is not finite, `add` gets the values of pairs.ts.
 */
type Values = Float64Array;

export function pairLine(worst: Worst, got: Values, x: Values, g: Geometry, line: Line): void {
  const { outer, channels, inner } = g;
  const mean = line.mean ?? wide(channels);
  const shifts = line.shift ?? new Float64Array(channels);
  let ratio = worst.ratio;
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const mh = mean.hi[c] as number;
      const ml = mean.lo[c] as number;
      const sh = line.scale.hi[c] as number;
      const sl = line.scale.lo[c] as number;
      const shift = shifts[c] as number;
      const fixed = line.fixed[c] as number;
      const slope = line.slope[c] as number;
      const wider = SPLIT * sh;
      const s1 = wider - (wider - sh);
      const s2 = sh - s1;
      for (const end = i + inner; i < end; i++) {
        const value = x[i] as number;
        // d + dl = value - mean
        const near = value - mh;
        const back = near - value;
        const rest = value - (near - back) - (mh + back) - ml;
        const d = near + rest;
        const dl = rest - (d - near);
        // p + q = d scale
        const p = d * sh;
        const as = SPLIT * d;
        const a1 = as - (as - d);
        const a2 = d - a1;
        const q = a1 * s1 - p + a1 * s2 + a2 * s1 + a2 * s2 + (d * sl + dl * sh);
        // y + yl = p + q + shift
        const y = p + shift;
        const t = y - p;
        const yl = p - (y - t) + (shift - t) + q;
        const bound = fixed + slope * Math.abs(d);
        const limit = ratio * (bound + Math.abs(y) * 2 ** -53);
        const error = Math.abs((got[i] as number) - y - yl);
        if (error <= limit && limit < Number.POSITIVE_INFINITY) continue;
        const exactD = addPairs(value, 0, -mh, -ml);
        const product = multiplyPairs(exactD, low[0] as number, sh, sl);
        const exact = addPairs(product, low[0] as number, shift, 0);
        ratio = worst.add(i, got[i] as number, exact, low[0] as number, bound);
      }
    }
  }
}

export function pairPlane(worst: Worst, got: Values, dy: Values, x: Values, g: Geometry, plane: Plane): void {
  const { outer, channels, inner } = g;
  const factors = factorsOf(plane);
  let ratio = worst.ratio;
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const mh = plane.mean.hi[c] as number;
      const ml = plane.mean.lo[c] as number;
      const fh = factors.hi[c] as number;
      const fl = factors.lo[c] as number;
      const sh = plane.scale.hi[c] as number;
      const sl = plane.scale.lo[c] as number;
      const ah = plane.a.hi[c] as number;
      const al = plane.a.lo[c] as number;
      const fixed = plane.fixed[c] as number;
      const slope = plane.slope[c] as number;
      const tilt = plane.tilt[c] as number;
      const fs = SPLIT * fh;
      const f1 = fs - (fs - fh);
      const f2 = fh - f1;
      const ss = SPLIT * sh;
      const s1 = ss - (ss - sh);
      const s2 = sh - s1;
      for (const end = i + inner; i < end; i++) {
        const value = x[i] as number;
        const gradient = dy[i] as number;
        // d + dl = value - mean
        const near = value - mh;
        const back = near - value;
        const rest = value - (near - back) - (mh + back) - ml;
        const d = near + rest;
        const dl = rest - (d - near);
        // p + q = d r b
        const p = d * fh;
        const ds = SPLIT * d;
        const d1 = ds - (ds - d);
        const d2 = d - d1;
        const q = d1 * f1 - p + d1 * f2 + d2 * f1 + d2 * f2 + (d * fl + dl * fh);
        // e + el = gradient - a - (p + q)
        const less = gradient - ah;
        const lost = less - gradient;
        const lessLow = gradient - (less - lost) - (ah + lost) - al;
        const sum = less - p;
        const t = sum - less;
        const sumLow = less - (sum - t) - (p + t) + (lessLow - q);
        const e = sum + sumLow;
        const el = sumLow - (e - sum);
        // dx + dxl = (e + el) scale
        const dx = e * sh;
        const es = SPLIT * e;
        const e1 = es - (es - e);
        const e2 = e - e1;
        const dxl = e1 * s1 - dx + e1 * s2 + e2 * s1 + e2 * s2 + (e * sl + el * sh);
        const bound = fixed + slope * Math.abs(gradient) + tilt * Math.abs(d);
        const limit = ratio * (bound + Math.abs(dx) * 2 ** -53);
        const error = Math.abs((got[i] as number) - dx - dxl);
        if (error <= limit && limit < Number.POSITIVE_INFINITY) continue;
        const exact = exactGradient(plane, c, gradient, value);
        ratio = worst.add(i, got[i] as number, exact, low[0] as number, bound);
      }
    }
  }
}

/**
 * scale (dy - a - (x - mean) r b) by the functions of pairs.ts. If a factor of the channel is not finite, its low part
 * is 0.
 */
function exactGradient({ mean, r, scale, a, b }: Plane, c: number, dy: number, x: number): number {
  const mh = mean.hi[c] as number;
  const rh = r.hi[c] as number;
  const sh = scale.hi[c] as number;
  const ah = a.hi[c] as number;
  const bh = b.hi[c] as number;
  if ((mh + rh + sh + ah + bh) * 0 !== 0) {
    const dx = (dy - ah - (x - mh) * rh * bh) * sh;
    low[0] = 0;
    if (dx - dx !== 0) return dx;
  }
  const d = addPairs(x, 0, -mh, -(mean.lo[c] as number));
  const xhat = multiplyPairs(d, low[0] as number, rh, r.lo[c] as number);
  const xb = multiplyPairs(xhat, low[0] as number, bh, b.lo[c] as number);
  const xbl = low[0] as number;
  const short = addPairs(dy, 0, -ah, -(a.lo[c] as number));
  const all = addPairs(short, low[0] as number, -xb, -xbl);
  return multiplyPairs(all, low[0] as number, sh, scale.lo[c] as number);
}

/** r b per channel. If the product or its low part leaves the range, it is NaN, and `add` gets every element. */
function factorsOf({ r, b }: Plane): Wide {
  const out = wide(r.hi.length);
  for (let c = 0; c < out.hi.length; c++) {
    const bh = b.hi[c] as number;
    const product = multiplyPairs(r.hi[c] as number, r.lo[c] as number, bh, b.lo[c] as number);
    const size = Math.abs(product);
    out.hi[c] = bh === 0 || (size > 2 ** -900 && size < 2 ** 900) ? product : Number.NaN;
    out.lo[c] = low[0] as number;
  }
  return out;
}
