import type { Geometry } from "@bn/core";
import type { Line, Plane } from "./maps.ts";
import { twoSum } from "./pairs.ts";
import type { WideMoments, WideSum } from "./reductions.ts";
import { wide, wideMap } from "./wide.ts";
import type { Worst } from "./worst.ts";

/**
 * The truth about float32 in float64, several times faster than in double-double. Enough, because each float64 operation
 * errs by 2^-53 of its result and the bounds allow at least 2^-24 of the same magnitudes: a term is off by 2^-27 of its
 * bound, a plain sum of m <= 2^24 terms by m 2^-53 sum|t| <= 2^-29 sum|t|, where N-1 allows 40 * 2^-24 sum|t|. Moments
 * are taken about the first value, so that nothing of |mean| 2^-53 remains where N-2 allows u |mean|.
 */
type Values = Float64Array;

export function plainMoments(x: Values, g: Geometry): WideMoments {
  const { outer, channels, inner } = g;
  const m = outer * inner;
  const shift = new Float64Array(channels);
  const sum = new Float64Array(channels);
  for (let c = 0; c < channels; c++) shift[c] = x[c * inner] as number;
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++, i += inner) {
      const by = shift[c] as number;
      let total = 0;
      for (let k = i; k < i + inner; k++) total += (x[k] as number) - by;
      sum[c] = (sum[c] as number) + total;
    }
  }
  const drift = sum.map((total) => total / m);
  const squares = new Float64Array(channels);
  const reach = new Float64Array(channels);
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++, i += inner) {
      const by = shift[c] as number;
      const more = drift[c] as number;
      let total = 0;
      let most = reach[c] as number;
      for (let k = i; k < i + inner; k++) {
        const d = (x[k] as number) - by - more;
        total += d * d;
        if (!(Math.abs(d) <= most)) most = Math.abs(d);
      }
      squares[c] = (squares[c] as number) + total;
      reach[c] = most;
    }
  }
  const mean = wideMap(channels, (c) => twoSum(shift[c] as number, drift[c] as number));
  return { mean, variance: { hi: squares.map((total) => total / m), lo: new Float64Array(channels) }, reach };
}

export function plainSum(dy: Values, { outer, channels, inner }: Geometry): WideSum {
  const sum = wide(channels);
  const size = new Float64Array(channels);
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++, i += inner) {
      let total = 0;
      let absolute = 0;
      for (let k = i; k < i + inner; k++) {
        const value = dy[k] as number;
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
  mean: Values,
  r: Values,
): WideSum {
  const sum = wide(channels);
  const size = new Float64Array(channels);
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++, i += inner) {
      const by = mean[c] as number;
      const root = r[c] as number;
      let total = 0;
      let absolute = 0;
      for (let k = i; k < i + inner; k++) {
        const term = ((x[k] as number) - by) * root * (dy[k] as number);
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
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++, i += inner) {
      const by = mean[c] as number;
      const scale = line.scale.hi[c] as number;
      const more = shift[c] as number;
      const fixed = line.fixed[c] as number;
      const slope = line.slope[c] as number;
      for (let k = i; k < i + inner; k++) {
        const d = (x[k] as number) - by;
        worst.add(k, got[k] as number, d * scale + more, 0, fixed + slope * Math.abs(d));
      }
    }
  }
}

export function plainPlane(worst: Worst, got: Values, dy: Values, x: Values, g: Geometry, plane: Plane): void {
  const { outer, channels, inner } = g;
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++, i += inner) {
      const mean = plane.mean.hi[c] as number;
      const r = plane.r.hi[c] as number;
      const scale = plane.scale.hi[c] as number;
      const a = plane.a.hi[c] as number;
      const b = plane.b.hi[c] as number;
      const fixed = plane.fixed[c] as number;
      const slope = plane.slope[c] as number;
      const tilt = plane.tilt[c] as number;
      for (let k = i; k < i + inner; k++) {
        const d = (x[k] as number) - mean;
        const size = Math.abs(dy[k] as number);
        const dx = ((dy[k] as number) - a - d * r * b) * scale;
        worst.add(k, got[k] as number, dx, 0, fixed + slope * size + tilt * Math.abs(d));
      }
    }
  }
}
