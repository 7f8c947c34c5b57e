import { type Precision, type StatErrors, sumFactor } from "./bounds.ts";
import type { Line, Plane } from "./maps.ts";
import type { WideMoments, WideSum } from "./reductions.ts";
import { dividedBy, reciprocalRoots, times, type Wide, wideOf } from "./wide.ts";

/**
 * The bounds N-2 to N-8 as coefficients per channel, for compareLine and comparePlane. They are computed in loops
 * rather than with functions per element, because some tensors have more channels than anything else.
 */
type Values = ArrayLike<number>;

/** Statistics in the form that a map takes, with their largest errors. */
export interface WideStats {
  readonly mean: Wide;
  readonly variance: Wide;
  readonly errors: StatErrors | null;
}

export interface AffineValues {
  readonly gamma: Values;
  readonly beta: Values | null;
}

/** The errors of N-2. */
export function momentErrors(p: Precision, { mean, variance, reach }: WideMoments, m: number): StatErrors {
  const s = sumFactor(p, m);
  const { length } = reach;
  const errors = { mean: new Float64Array(length), variance: new Float64Array(length) };
  for (let c = 0; c < length; c++) {
    const d = p.u * Math.abs(mean.hi[c] as number) + (2 * s + 3 * p.u) * (reach[c] as number) + 3 * p.eta;
    const spread = Math.sqrt(variance.hi[c] as number) + 2 * d;
    errors.mean[c] = d;
    errors.variance[c] = (s + 4 * p.u) * spread * spread + 4 * p.eta;
  }
  return errors;
}

function relativeErrorOfRoot({ variance, errors }: WideStats, eps: number): Float64Array {
  const off = new Float64Array(variance.hi.length);
  if (errors === null) return off;
  for (let c = 0; c < off.length; c++) {
    off[c] = (errors.variance[c] as number) / (2 * ((variance.hi[c] as number) + eps));
  }
  return off;
}

/** N-8: the errors of stored statistics, for mean and variance alike. */
export function storedErrors(p: Precision, { hi }: Wide): Float64Array {
  const errors = new Float64Array(hi.length);
  for (let c = 0; c < hi.length; c++) errors[c] = (1 + p.division) * p.u * Math.abs(hi[c] as number) + p.eta;
  return errors;
}

/** The line of N-3, or of N-4 if the statistics have errors. */
export function normalizeLine(p: Precision, stats: WideStats, eps: number, affine: AffineValues | null): Line {
  const scale = times(reciprocalRoots(stats.variance, eps, p.dtype), affine?.gamma ?? null, p.dtype);
  const off = relativeErrorOfRoot(stats, eps);
  const { length } = off;
  const shift = affine?.beta ?? null;
  const [fixed, slope] = [new Float64Array(length), new Float64Array(length)];
  for (let c = 0; c < length; c++) {
    const s = Math.abs(scale.hi[c] as number);
    const gamma = affine ? Math.abs(affine.gamma[c] as number) : 1;
    const beta = shift ? Math.abs(shift[c] as number) : 0;
    const meanError = stats.errors ? (stats.errors.mean[c] as number) : 0;
    fixed[c] = p.u * beta + s * meanError + p.eta * (2 + s + gamma);
    slope[c] = s * (p.k * p.u + (off[c] as number));
  }
  return { mean: stats.mean, scale, shift, fixed, slope };
}

/** The line of N-8. */
export function scaleLine(p: Precision, { gamma, beta }: AffineValues): Line {
  const { length } = gamma;
  const [fixed, slope] = [new Float64Array(length), new Float64Array(length)];
  for (let c = 0; c < length; c++) {
    fixed[c] = p.u * (beta ? Math.abs(beta[c] as number) : 0) + p.eta;
    slope[c] = (beta ? 2 : 1) * p.u * Math.abs(gamma[c] as number);
  }
  return { mean: null, scale: wideOf(gamma), shift: beta, fixed, slope };
}

/** The line of N-6 without sums: dx = s dy. */
export function gradientLine(p: Precision, stats: WideStats, eps: number, gamma: Values | null): Line {
  const scale = times(reciprocalRoots(stats.variance, eps, p.dtype), gamma, p.dtype);
  const off = relativeErrorOfRoot(stats, eps);
  const { length } = off;
  const [fixed, slope] = [new Float64Array(length), new Float64Array(length)];
  for (let c = 0; c < length; c++) {
    const s = Math.abs(scale.hi[c] as number);
    fixed[c] = p.eta * (2 + 3 * s);
    slope[c] = s * ((p.k + 6) * p.u + (off[c] as number)) + p.eta;
  }
  return { mean: null, scale, shift: null, fixed, slope };
}

/** The sums of a gradient, with their largest errors. */
export interface WideSums {
  readonly dy: Wide;
  readonly dyXhat: Wide;
  readonly errors: { readonly dy: Float64Array; readonly dyXhat: Float64Array } | null;
}

/** The plane of N-6. */
export function gradientPlane(
  p: Precision,
  stats: WideStats,
  eps: number,
  r: Wide,
  gamma: Values | null,
  sums: WideSums,
  m: number,
): Plane {
  const scale = times(r, gamma, p.dtype);
  const [a, b] = [dividedBy(sums.dy, m, p.dtype), dividedBy(sums.dyXhat, m, p.dtype)];
  const roots = relativeErrorOfRoot(stats, eps);
  const own = (p.k + 6) * p.u;
  const { length } = roots;
  const [fixed, slope, tilt] = [new Float64Array(length), new Float64Array(length), new Float64Array(length)];
  for (let c = 0; c < length; c++) {
    const s = Math.abs(scale.hi[c] as number);
    const root = r.hi[c] as number;
    const off = roots[c] as number;
    const sizeA = Math.abs(a.hi[c] as number);
    const sizeB = Math.abs(b.hi[c] as number);
    const errorA = sums.errors ? (sums.errors.dy[c] as number) / m : 0;
    const errorB = sums.errors ? (sums.errors.dyXhat[c] as number) / m : 0;
    const meanError = stats.errors ? (stats.errors.mean[c] as number) : 0;
    // Small factors are multiplied first, because s and r may be near the largest number.
    const fromMean = meanError * root * sizeB * s;
    fixed[c] = (own + off) * sizeA * s + errorA * s + fromMean + p.eta * (2 + s * (3 + sizeB * (2 + root)));
    slope[c] = s * (own + off) + p.eta;
    tilt[c] = root * (errorB * s + (2 * own + 3 * off) * sizeB * s);
  }
  return { mean: stats.mean, r, scale, a, b, fixed, slope, tilt };
}

/** N-5: the errors of sum dy and of sum dy x^. */
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
  const { length } = off;
  const errors = { dy: new Float64Array(length), dyXhat: new Float64Array(length) };
  for (let c = 0; c < length; c++) {
    const root = r.hi[c] as number;
    const size = dy.size[c] as number;
    const fromMean = stats.errors ? (stats.errors.mean[c] as number) * root * size : 0;
    const fromVariance = (off[c] as number) * Math.abs(dyXhat.sum.hi[c] as number);
    errors.dy[c] = s * size + p.u * Math.abs(dy.sum.hi[c] as number) + m * p.eta;
    errors.dyXhat[c] =
      (s + 4 * p.u) * (dyXhat.size[c] as number) + fromMean + fromVariance + p.eta * (2 * m + root * size);
  }
  return errors;
}
