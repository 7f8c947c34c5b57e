import type { Geometry } from "@bn/core";
import { add, type DD, dd, div, mul, ONE, sqrt, sub, ZERO } from "./dd.ts";

/**
 * The truth: the formulas of docs/spec.md and nothing else, in double-double, rounded to float64 once at the end. It
 * shares no code with core. Per-channel values stay in double-double, so that errors do not add up between functions.
 */
export type Channels = readonly DD[];
export interface Stats {
  readonly mean: Channels;
  readonly variance: Channels;
}
export interface RunningStats extends Stats {
  readonly factor: DD;
}
export interface GammaBeta {
  readonly gamma: Channels;
  readonly beta: Channels | null;
}
export interface GradSums {
  readonly dy: Channels;
  readonly dyXhat: Channels;
}
type Values = ArrayLike<number>;

/** Visits [outer][channels][inner] in memory's order. */
export function each({ outer, channels, inner }: Geometry, visit: (i: number, channel: number) => void): void {
  let i = 0;
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) for (let k = 0; k < inner; k++) visit(i++, c);
  }
}

/** Converts numbers to the form that the oracle uses. */
export function channelsOf(values: Values): Channels {
  const channels = new Array<DD>(values.length);
  for (let c = 0; c < values.length; c++) channels[c] = dd(values[c] as number);
  return channels;
}

export function valuesOf(channels: Channels): Float64Array {
  const values = new Float64Array(channels.length);
  for (let c = 0; c < channels.length; c++) values[c] = (channels[c] as DD).hi;
  return values;
}

/** The sum of `term` over outer and inner, per channel. */
function sums(g: Geometry, term: (i: number, c: number) => DD): DD[] {
  const total = new Array<DD>(g.channels).fill(ZERO);
  each(g, (i, c) => {
    total[c] = add(total[c] as DD, term(i, c));
  });
  return total;
}

function map(g: Geometry, value: (i: number, c: number) => DD): Float64Array {
  const y = new Float64Array(g.outer * g.channels * g.inner);
  each(g, (i, c) => {
    y[i] = value(i, c).hi;
  });
  return y;
}

function perValue(total: Channels, g: Geometry, m = g.outer * g.inner): Channels {
  return total.map((sum) => div(sum, dd(m)));
}

/** K-1, BN-5: mean = sum x / m, variance = sum (x - mean)^2 / m. */
export function moments(x: Values, g: Geometry): Stats {
  const mean = perValue(
    sums(g, (i) => dd(x[i] as number)),
    g,
  );
  const squares = sums(g, (i, c) => {
    const d = sub(dd(x[i] as number), mean[c] as DD);
    return mul(d, d);
  });
  return { mean, variance: perValue(squares, g) };
}

/** 1 / sqrt(variance + eps). */
export function reciprocalStd(variance: Channels, eps: number): Channels {
  return variance.map((v) => div(ONE, sqrt(add(v, dd(eps)))));
}

/** x^ = (x - mean) r of each element. */
export function xhatOf(x: Values, { mean, variance }: Stats, eps: number): (i: number, c: number) => DD {
  const r = reciprocalStd(variance, eps);
  return (i, c) => mul(sub(dd(x[i] as number), mean[c] as DD), r[c] as DD);
}

/** K-2, BS-1: y = x^ [gamma [+ beta]]. */
export function normalize(x: Values, g: Geometry, stats: Stats, eps: number, affine: GammaBeta | null): Float64Array {
  const xhat = xhatOf(x, stats, eps);
  return map(g, (i, c) => affined(xhat(i, c), c, affine));
}

function affined(value: DD, c: number, affine: GammaBeta | null): DD {
  if (affine === null) return value;
  const product = mul(value, affine.gamma[c] as DD);
  return affine.beta ? add(product, affine.beta[c] as DD) : product;
}

/** K-3, BS-2: sum dy and sum dy x^. */
export function gradSums(dy: Values, x: Values, g: Geometry, stats: Stats, eps: number): GradSums {
  const xhat = xhatOf(x, stats, eps);
  return {
    dy: sums(g, (i) => dd(dy[i] as number)),
    dyXhat: sums(g, (i, c) => mul(dd(dy[i] as number), xhat(i, c))),
  };
}

/**
 * K-4, BN-10: dx = gamma r (dy - sum dy / m - x^ sum(dy x^) / m). BN-11, without sums: dx = gamma r dy. The sums were
 * taken over m values.
 */
export function gradNormalize(
  dy: Values,
  x: Values,
  g: Geometry,
  stats: Stats,
  eps: number,
  gamma: Channels | null,
  total: GradSums | null,
  m = g.outer * g.inner,
): Float64Array {
  const xhat = xhatOf(x, stats, eps);
  const r = reciprocalStd(stats.variance, eps);
  const s = gamma ? r.map((value, c) => mul(value, gamma[c] as DD)) : r;
  if (total === null) return map(g, (i, c) => mul(s[c] as DD, dd(dy[i] as number)));
  const a = perValue(total.dy, g, m);
  const b = perValue(total.dyXhat, g, m);
  return map(g, (i, c) => mul(s[c] as DD, sub(sub(dd(dy[i] as number), a[c] as DD), mul(xhat(i, c), b[c] as DD))));
}

/** K-5, S-1: y = x gamma [+ beta]. */
export function scale(x: Values, g: Geometry, affine: GammaBeta): Float64Array {
  return map(g, (i, c) => affined(dd(x[i] as number), c, affine));
}

/** K-6, S-6: sum dy x and sum dy. */
export function scaleSums(dy: Values, x: Values, g: Geometry): { readonly gamma: Channels; readonly beta: Channels } {
  return {
    gamma: sums(g, (i) => mul(dd(dy[i] as number), dd(x[i] as number))),
    beta: sums(g, (i) => dd(dy[i] as number)),
  };
}

/** K-7, BN-7: running = fraction running + (mean, correction variance, 1). */
export function movingAverage(running: RunningStats, stats: Stats, fraction: number, correction: DD): RunningStats {
  const step = (old: DD, value: DD) => add(mul(dd(fraction), old), value);
  return {
    mean: running.mean.map((old, c) => step(old, stats.mean[c] as DD)),
    variance: running.variance.map((old, c) => step(old, mul(correction, stats.variance[c] as DD))),
    factor: step(running.factor, ONE),
  };
}

/** BN-7: m / (m - 1), or 1. */
export function correctionOf(g: Geometry): DD {
  const m = g.outer * g.inner;
  return m > 1 ? div(dd(m), dd(m - 1)) : ONE;
}

/** K-8, BN-6: the sums divided by the factor, or 0 if the factor is 0. */
export function globalStats({ mean, variance, factor }: RunningStats): Stats {
  const over = (sum: DD) => (factor.hi === 0 ? mul(sum, ZERO) : div(sum, factor));
  return { mean: mean.map(over), variance: variance.map(over) };
}
