import type { Geometry } from "@bn/core";
import { type Channels, each, type GammaBeta, type Stats, valuesOf } from "./oracle.ts";
import type { Precision } from "./precision.ts";

/**
 * The bounds N-1 to N-10 of docs/spec.md, one number per element, computed from the oracle's values. All sums and
 * products here are of magnitudes, so float64 is accurate enough.
 */
export { caffePrecision, type Precision, precisionOf } from "./precision.ts";

type Values = ArrayLike<number>;
type PerChannel = Float64Array;

/** Errors of statistics that come from a reduction; absent if the statistics are given. */
export interface StatErrors {
  readonly mean: PerChannel;
  readonly variance: PerChannel;
}

/** N-1: S, the error of a sum of n terms in units of the sum of their magnitudes. */
export function sumFactor({ u }: Precision, n: number): number {
  return (40 + Math.log2(Math.max(n, 1))) * u;
}

/**
 * S of a channel's sum, or its value by G-2: a term goes through at most inner - 1 and outer - 1 additions, and its
 * factor 1 / m adds two roundings.
 */
function factorOf(p: Precision, { outer, inner }: Geometry): number {
  return p.plainSums ? (outer + inner) * p.u : sumFactor(p, outer * inner);
}

function perChannel(g: Geometry, term: (i: number, c: number) => number): PerChannel {
  const total = new Float64Array(g.channels);
  each(g, (i, c) => {
    total[c] = (total[c] as number) + term(i, c);
  });
  return total;
}

function map(g: Geometry, value: (i: number, c: number) => number): Float64Array {
  const bound = new Float64Array(g.outer * g.channels * g.inner);
  each(g, (i, c) => {
    bound[i] = value(i, c);
  });
  return bound;
}

/** The bounds of N-2, or of G-2. */
export function momentBounds(p: Precision, x: Values, g: Geometry, stats: Stats): StatErrors {
  if (p.plainSums) return plainMomentBounds(p, x, g, stats);
  const [mean, variance] = [valuesOf(stats.mean), valuesOf(stats.variance)];
  const s = sumFactor(p, g.outer * g.inner);
  const reach = reachOf(x, g, mean);
  const d = mean.map((value, c) => p.u * Math.abs(value) + (2 * s + 3 * p.u) * (reach[c] as number) + 3 * p.eta);
  return {
    mean: d,
    variance: variance.map((v, c) => (s + 4 * p.u) * (Math.sqrt(v) + 2 * (d[c] as number)) ** 2 + 4 * p.eta),
  };
}

/**
 * G-2: the variance is taken about the rounded mean, which is off by d, so it is the channel's variance plus d^2. Its
 * squares have an error of 3 u.
 */
function plainMomentBounds(p: Precision, x: Values, g: Geometry, stats: Stats): StatErrors {
  const m = g.outer * g.inner;
  const s = factorOf(p, g);
  const mean = perChannel(g, (i) => (s * Math.abs(x[i] as number)) / m + p.eta);
  const variance = valuesOf(stats.variance).map((value, c) => {
    const squared = (mean[c] as number) ** 2;
    return (s + 3 * p.u) * (value + squared) + squared + 4 * p.eta;
  });
  return { mean, variance };
}

/** N-9: the bounds of mean + meanLow, and of m2. */
export function splitMomentBounds(
  p: Precision,
  x: Values,
  g: Geometry,
  stats: Stats,
): { mean: PerChannel; m2: PerChannel } {
  const [mean, variance] = [valuesOf(stats.mean), valuesOf(stats.variance)];
  const m = g.outer * g.inner;
  const s = sumFactor(p, m);
  const reach = reachOf(x, g, mean);
  const d = mean.map(
    (value, c) => 2 * p.u ** 2 * Math.abs(value) + (2 * s + 3 * p.u) * (reach[c] as number) + 4 * p.eta,
  );
  const m2 = variance.map((v, c) => m * (s + 4 * p.u) * (Math.sqrt(v) + 2 * (d[c] as number)) ** 2 + (m + 3) * p.eta);
  return { mean: d, m2 };
}

/** D of N-2. */
function reachOf(x: Values, g: Geometry, mean: PerChannel): PerChannel {
  const reach = new Float64Array(g.channels);
  each(g, (i, c) => {
    reach[c] = Math.max(reach[c] as number, Math.abs((x[i] as number) - (mean[c] as number)));
  });
  return reach;
}

interface Magnitudes {
  readonly r: PerChannel;
  /** The relative error of r that the variance's error causes. */
  readonly rError: PerChannel;
  readonly gamma: (c: number) => number;
  readonly d: (i: number, c: number) => number;
  readonly meanError: (c: number) => number;
}

function magnitudes(
  x: Values,
  stats: Stats,
  eps: number,
  gamma: Channels | null,
  errors: StatErrors | null,
): Magnitudes {
  const [mean, variance] = [valuesOf(stats.mean), valuesOf(stats.variance)];
  return {
    r: variance.map((v) => 1 / Math.sqrt(v + eps)),
    rError: variance.map((v, c) => (errors?.variance[c] ?? 0) / (2 * (v + eps))),
    gamma: (c) => Math.abs(gamma?.[c]?.hi ?? 1),
    d: (i, c) => Math.abs((x[i] as number) - (mean[c] as number)),
    meanError: (c) => errors?.mean[c] ?? 0,
  };
}

/** The bound of N-3, or of N-4 if there are `errors`. */
export function normalizeBound(
  p: Precision,
  x: Values,
  g: Geometry,
  stats: Stats,
  eps: number,
  affine: GammaBeta | null,
  errors: StatErrors | null,
): Float64Array {
  const { r, rError, gamma, meanError } = magnitudes(x, stats, eps, affine?.gamma ?? null, errors);
  const { outer, channels, inner } = g;
  const bound = new Float64Array(outer * channels * inner);
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const mean = stats.mean[c]?.hi as number;
      const s = (r[c] as number) * gamma(c);
      const off = rError[c] as number;
      const fromBeta = p.u * Math.abs(affine?.beta?.[c]?.hi ?? 0);
      const fromMean = s * meanError(c);
      const underflow = p.eta * (2 + s + gamma(c));
      const slope = p.k * p.u;
      for (const end = i + inner; i < end; i++) {
        const t = Math.abs((x[i] as number) - mean) * s;
        bound[i] = slope * t + fromBeta + fromMean + t * off + underflow;
      }
    }
  }
  return bound;
}

export interface SumErrors {
  readonly dy: PerChannel;
  readonly dyXhat: PerChannel;
}

/** The bounds of N-5. */
export function gradSumBounds(
  p: Precision,
  dy: Values,
  x: Values,
  g: Geometry,
  stats: Stats,
  eps: number,
  sums: { readonly dy: Channels; readonly dyXhat: Channels },
  errors: StatErrors | null,
): SumErrors {
  const { r, rError, d, meanError } = magnitudes(x, stats, eps, null, errors);
  const m = g.outer * g.inner;
  const s = factorOf(p, g);
  const size = (i: number) => Math.abs(dy[i] as number);
  const absDy = perChannel(g, size);
  const absDyXhat = perChannel(g, (i, c) => size(i) * d(i, c) * (r[c] as number));
  return {
    dy: absDy.map((sum, c) => s * sum + p.u * Math.abs(sums.dy[c]?.hi ?? 0) + m * p.eta),
    dyXhat: absDyXhat.map((sum, c) => {
      const fromMean = (r[c] as number) * meanError(c) * (absDy[c] as number);
      const fromVariance = (rError[c] as number) * Math.abs(sums.dyXhat[c]?.hi ?? 0);
      const underflow = p.eta * (2 * m + (r[c] as number) * (absDy[c] as number));
      return (s + 4 * p.u) * sum + fromMean + fromVariance + underflow;
    }),
  };
}

/**
 * The bound of N-6. `errors` are those of the statistics, and `sumErrors` those of the sums. Without sums dx = s dy.
 */
export function gradNormalizeBound(
  p: Precision,
  dy: Values,
  x: Values,
  g: Geometry,
  stats: Stats,
  eps: number,
  gamma: Channels | null,
  sums: { readonly dy: Channels; readonly dyXhat: Channels } | null,
  errors: StatErrors | null,
  sumErrors: SumErrors | null,
  m = g.outer * g.inner,
): Float64Array {
  const { r, rError, gamma: gammaOf, d, meanError } = magnitudes(x, stats, eps, gamma, errors);
  return map(g, (i, c) => {
    const s = (r[c] as number) * gammaOf(c);
    const size = Math.abs(dy[i] as number);
    const xhat = sums ? d(i, c) * (r[c] as number) : 0; // without sums, x is not read
    const a = Math.abs(sums?.dy[c]?.hi ?? 0) / m;
    const b = Math.abs(sums?.dyXhat[c]?.hi ?? 0) / m;
    const own = (p.k + 6) * p.u * s * (size + a + 2 * xhat * b);
    const fromSums = (((sumErrors?.dy[c] ?? 0) + xhat * (sumErrors?.dyXhat[c] ?? 0)) / m) * s;
    // Small factors are multiplied first, because s and r may be near the largest number.
    const fromMean = meanError(c) * (r[c] as number) * b * s;
    const fromVariance = (rError[c] as number) * s * (size + a + 3 * xhat * b);
    const underflow = p.eta * (2 + size) + p.eta * s * (3 + b * (2 + (r[c] as number)));
    return own + fromSums + fromMean + fromVariance + underflow;
  });
}

/** N-8: the bound of y = x gamma + beta. */
export function scaleBound(p: Precision, x: Values, g: Geometry, { gamma, beta }: GammaBeta): Float64Array {
  return map(g, (i, c) => {
    const product = Math.abs((x[i] as number) * (gamma[c]?.hi ?? 0));
    return p.u * ((beta ? 2 : 1) * product + Math.abs(beta?.[c]?.hi ?? 0)) + p.eta;
  });
}

/**
 * N-1, or G-2: the bound of sum dy x (or sum dy if x is null), added to `prior`, which may go through every plain
 * addition.
 */
export function sumBound(
  p: Precision,
  dy: Values,
  x: Values | null,
  g: Geometry,
  sums: Channels,
  prior: ArrayLike<number> | null,
): PerChannel {
  const m = g.outer * g.inner;
  const s = factorOf(p, g);
  const size = perChannel(g, (i) => Math.abs((dy[i] as number) * (x?.[i] ?? 1)));
  return size.map((sum, c) => {
    const [total, before] = [sums[c]?.hi ?? 0, prior?.[c] ?? 0];
    return s * (p.plainSums ? sum + Math.abs(before) : sum) + addBound(p, total, before) + m * p.eta;
  });
}

/** The rounding of a sum and of its addition to the former contents. */
export function addBound({ u }: Precision, sum: number, prior: number): number {
  return u * (2 * Math.abs(sum) + Math.abs(prior));
}

/**
 * N-8: the bound of one step of the moving average, for values that are off by `errors` and running sums that are off
 * by `before`.
 */
export function averageBound(
  p: Precision,
  running: ArrayLike<number>,
  fraction: number,
  added: ArrayLike<number>,
  errors: ArrayLike<number> | null,
  before: ArrayLike<number> | null,
): PerChannel {
  const bound = new Float64Array(running.length);
  for (let c = 0; c < running.length; c++) {
    const size = Math.abs(fraction * (running[c] as number)) + Math.abs(added[c] as number);
    const rounding = p.once ? p.u * Math.abs(fraction * (running[c] as number) + (added[c] as number)) : 3 * p.u * size;
    const inFloat64 = p.once ? 3 * 2 ** -53 * size : 0;
    bound[c] = rounding + inFloat64 + fraction * (before?.[c] ?? 0) + (errors?.[c] ?? 0) + 2 * p.eta;
  }
  return bound;
}

/** N-8: the bound of statistics computed from running sums, for mean and variance alike. */
export function globalBound(p: Precision, stats: Channels): PerChannel {
  return valuesOf(stats).map((value) => (1 + p.division) * p.u * Math.abs(value) + p.eta);
}
