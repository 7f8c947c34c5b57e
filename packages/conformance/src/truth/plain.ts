import type { Geometry } from "@bn/core";
import type { Line, Plane } from "./maps.ts";
import { low, twoSum } from "./pairs.ts";
import type { WideMoments, WideSum } from "./reductions.ts";
import { wide } from "./wide.ts";
import type { Worst } from "./worst.ts";

/**
 * The truth for float32, computed in float64, several times faster than in double-double. This is accurate enough: each
 * float64 operation has an error of 2^-53 of its result, and the bounds allow at least 2^-24 of the same magnitudes. A
 * term is off by 2^-27 of its bound, and a plain sum of m <= 2^24 terms by m 2^-53 sum|t| <= 2^-29 sum|t|, where N-1
 * allows 40 * 2^-24 sum|t|. Moments are taken about the first value, so that no error of |mean| 2^-53 remains where N-2
 * allows u |mean|.
 */
type Values = Float32Array;

export function plainMoments(x: Values, g: Geometry): WideMoments {
  const { outer, channels, inner } = g;
  const m = outer * inner;
  const shift = new Float64Array(channels);
  const sum = new Float64Array(channels);
  for (let c = 0; c < channels; c++) shift[c] = x[c * inner] as number;
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const by = shift[c] as number;
      let total = 0;
      for (const end = i + inner; i < end; i++) total += (x[i] as number) - by;
      sum[c] = (sum[c] as number) + total;
    }
  }
  const drift = new Float64Array(channels);
  for (let c = 0; c < channels; c++) drift[c] = (sum[c] as number) / m;
  const squares = new Float64Array(channels);
  const reach = new Float64Array(channels);
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const by = shift[c] as number;
      const more = drift[c] as number;
      let total = 0;
      let most = reach[c] as number;
      for (const end = i + inner; i < end; i++) {
        const d = (x[i] as number) - by - more;
        total += d * d;
        const far = Math.abs(d);
        if (!(far <= most)) most = far;
      }
      squares[c] = (squares[c] as number) + total;
      reach[c] = most;
    }
  }
  const mean = wide(channels);
  const variance = wide(channels);
  for (let c = 0; c < channels; c++) {
    mean.hi[c] = twoSum(shift[c] as number, drift[c] as number);
    mean.lo[c] = low[0] as number;
    variance.hi[c] = (squares[c] as number) / m;
  }
  return { mean, variance, reach };
}

export function plainSum(dy: Values, { outer, channels, inner }: Geometry): WideSum {
  const sum = wide(channels);
  const size = new Float64Array(channels);
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      let total = 0;
      let absolute = 0;
      for (const end = i + inner; i < end; i++) {
        const value = dy[i] as number;
        total += value;
        absolute += Math.abs(value);
      }
      sum.hi[c] = (sum.hi[c] as number) + total;
      size[c] = (size[c] as number) + absolute;
    }
  }
  return { sum, size };
}

export function plainProductSum(
  dy: Values,
  x: Values,
  { outer, channels, inner }: Geometry,
  mean: Float64Array,
  r: Float64Array,
): WideSum {
  const sum = wide(channels);
  const size = new Float64Array(channels);
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const by = mean[c] as number;
      const root = r[c] as number;
      let total = 0;
      let absolute = 0;
      for (const end = i + inner; i < end; i++) {
        const term = ((x[i] as number) - by) * root * (dy[i] as number);
        total += term;
        absolute += Math.abs(term);
      }
      sum.hi[c] = (sum.hi[c] as number) + total;
      size[c] = (size[c] as number) + absolute;
    }
  }
  return { sum, size };
}

export function plainLine(worst: Worst, got: Values, x: Values, g: Geometry, line: Line): void {
  const { outer, channels, inner } = g;
  const none = new Float64Array(channels);
  const mean = line.mean?.hi ?? none;
  const shift = line.shift ?? none;
  let ratio = worst.ratio;
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const by = mean[c] as number;
      const scale = line.scale.hi[c] as number;
      const more = shift[c] as number;
      const fixed = line.fixed[c] as number;
      const slope = line.slope[c] as number;
      for (const end = i + inner; i < end; i++) {
        const d = (x[i] as number) - by;
        const y = d * scale + more;
        const bound = fixed + slope * Math.abs(d);
        const limit = ratio * (bound + Math.abs(y) * 2 ** -53);
        const error = Math.abs((got[i] as number) - y);
        if (error <= limit && limit < Number.POSITIVE_INFINITY) continue;
        ratio = worst.add(i, got[i] as number, y, 0, bound);
      }
    }
  }
}

export function plainPlane(worst: Worst, got: Values, dy: Values, x: Values, g: Geometry, plane: Plane): void {
  const { outer, channels, inner } = g;
  let ratio = worst.ratio;
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const mean = plane.mean.hi[c] as number;
      const r = plane.r.hi[c] as number;
      const scale = plane.scale.hi[c] as number;
      const a = plane.a.hi[c] as number;
      const b = plane.b.hi[c] as number;
      const fixed = plane.fixed[c] as number;
      const slope = plane.slope[c] as number;
      const tilt = plane.tilt[c] as number;
      for (const end = i + inner; i < end; i++) {
        const d = (x[i] as number) - mean;
        const value = dy[i] as number;
        const dx = (value - a - d * r * b) * scale;
        const bound = fixed + slope * Math.abs(value) + tilt * Math.abs(d);
        const limit = ratio * (bound + Math.abs(dx) * 2 ** -53);
        const error = Math.abs((got[i] as number) - dx);
        if (error <= limit && limit < Number.POSITIVE_INFINITY) continue;
        ratio = worst.add(i, got[i] as number, dx, 0, bound);
      }
    }
  }
}
