import { type Precision, type StatErrors, sumFactor } from "./bounds.ts";
import type { Line, Plane } from "./maps.ts";
import type { WideMoments, WideSum } from "./reductions.ts";
import { dividedBy, reciprocalRoots, times, type Wide, wideOf } from "./wide.ts";

/** The bounds N-2 to N-8 as coefficients per channel, for compareLine and comparePlane. */
type Values = ArrayLike<number>;

/** Statistics as a map takes them, and how far off they may be. */
export interface WideStats {
  readonly mean: Wide;
  readonly variance: Wide;
  readonly errors: StatErrors | null;
}

export interface AffineValues {
  readonly gamma: Values;
  readonly beta: Values | null;
}

/** N-2. */
export function momentErrors(p: Precision, { mean, variance, reach }: WideMoments, m: number): StatErrors {
  const s = sumFactor(p, m);
  const d = mean.hi.map((value, c) => p.u * Math.abs(value) + (2 * s + 3 * p.u) * (reach[c] as number) + 3 * p.eta);
  return {
    mean: d,
    variance: variance.hi.map((v, c) => (s + 4 * p.u) * (Math.sqrt(v) + 2 * (d[c] as number)) ** 2 + 4 * p.eta),
  };
}

function relativeErrorOfRoot({ variance, errors }: WideStats, eps: number): Float64Array {
  return variance.hi.map((v, c) => (errors?.variance[c] ?? 0) / (2 * (v + eps)));
}

/** N-3, and N-4 where the statistics have errors. */
export function normalizeLine(p: Precision, stats: WideStats, eps: number, affine: AffineValues | null): Line {
  const r = reciprocalRoots(stats.variance, eps);
  const scale = times(r, affine?.gamma ?? null);
  const off = relativeErrorOfRoot(stats, eps);
  const shift = affine?.beta ?? null;
  const fixed = scale.hi.map((value, c) => {
    const [s, gamma] = [Math.abs(value), Math.abs(affine?.gamma[c] ?? 1)];
    return p.u * Math.abs(shift?.[c] ?? 0) + s * (stats.errors?.mean[c] ?? 0) + p.eta * (2 + s + gamma);
  });
  const slope = scale.hi.map((value, c) => Math.abs(value) * (p.k * p.u + (off[c] as number)));
  return { mean: stats.mean, scale, shift, fixed, slope };
}

/** N-8. */
export function scaleLine(p: Precision, { gamma, beta }: AffineValues): Line {
  const fixed = Float64Array.from(gamma, (_, c) => p.u * Math.abs(beta?.[c] ?? 0) + p.eta);
  const slope = Float64Array.from(gamma, (value) => (beta ? 2 : 1) * p.u * Math.abs(value));
  return { mean: null, scale: wideOf(gamma), shift: beta, fixed, slope };
}

/** N-6 without sums: dx = s dy. */
export function gradientLine(p: Precision, stats: WideStats, eps: number, gamma: Values | null): Line {
  const scale = times(reciprocalRoots(stats.variance, eps), gamma);
  const off = relativeErrorOfRoot(stats, eps);
  const fixed = scale.hi.map((s) => p.eta * (2 + 3 * Math.abs(s)));
  const slope = scale.hi.map((s, c) => Math.abs(s) * ((p.k + 6) * p.u + (off[c] as number)) + p.eta);
  return { mean: null, scale, shift: null, fixed, slope };
}

/** Sums of a gradient, and how far off they may be. */
export interface WideSums {
  readonly dy: Wide;
  readonly dyXhat: Wide;
  readonly errors: { readonly dy: Float64Array; readonly dyXhat: Float64Array } | null;
}

/** N-6. */
export function gradientPlane(
  p: Precision,
  stats: WideStats,
  eps: number,
  gamma: Values | null,
  sums: WideSums,
  m: number,
): Plane {
  const r = reciprocalRoots(stats.variance, eps);
  const scale = times(r, gamma);
  const [a, b] = [dividedBy(sums.dy, m), dividedBy(sums.dyXhat, m)];
  const off = relativeErrorOfRoot(stats, eps);
  const own = (p.k + 6) * p.u;
  const at = (c: number) => ({
    s: Math.abs(scale.hi[c] as number),
    r: r.hi[c] as number,
    a: Math.abs(a.hi[c] as number),
    b: Math.abs(b.hi[c] as number),
    off: off[c] as number,
  });
  return {
    mean: stats.mean,
    r,
    scale,
    a,
    b,
    // Small factors first: s and r may be near the largest number.
    fixed: scale.hi.map((_, c) => {
      const t = at(c);
      const fromSum = ((sums.errors?.dy[c] ?? 0) / m) * t.s;
      const fromMean = (stats.errors?.mean[c] ?? 0) * t.r * t.b * t.s;
      return (own + t.off) * t.a * t.s + fromSum + fromMean + p.eta * (2 + t.s * (3 + t.b * (2 + t.r)));
    }),
    slope: scale.hi.map((_, c) => at(c).s * (own + at(c).off) + p.eta),
    tilt: scale.hi.map((_, c) => {
      const t = at(c);
      return t.r * (((sums.errors?.dyXhat[c] ?? 0) / m) * t.s + (2 * own + 3 * t.off) * t.b * t.s);
    }),
  };
}

/** N-5, for the terms of sum dy and of sum dy x^. */
export function gradSumErrors(
  p: Precision,
  dy: WideSum,
  dyXhat: WideSum,
  r: Wide,
  m: number,
  stats: WideStats,
  eps: number,
): { readonly dy: Float64Array; readonly dyXhat: Float64Array } {
  const s = sumFactor(p, m);
  const off = relativeErrorOfRoot(stats, eps);
  return {
    dy: dy.size.map((size, c) => s * size + p.u * Math.abs(dy.sum.hi[c] as number) + m * p.eta),
    dyXhat: dyXhat.size.map((size, c) => {
      const root = r.hi[c] as number;
      const fromMean = (stats.errors?.mean[c] ?? 0) * root * (dy.size[c] as number);
      const fromVariance = (off[c] as number) * Math.abs(dyXhat.sum.hi[c] as number);
      return (s + 4 * p.u) * size + fromMean + fromVariance + p.eta * (2 * m + root * (dy.size[c] as number));
    }),
  };
}
