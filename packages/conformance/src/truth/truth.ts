import type { Dtype, Geometry } from "@bn/core";
import type { Comparison } from "../case.ts";
import {
  addBound,
  averageBound,
  globalBound,
  gradNormalizeBound,
  gradSumBounds,
  momentBounds,
  normalizeBound,
  type Precision,
  type StatErrors,
} from "./bounds.ts";
import { compare } from "./compare.ts";
import { type DD, dd } from "./dd.ts";
import * as oracle from "./oracle.ts";

/** The right value of an output, and the largest error that it may have. */
export interface Truth {
  readonly expected: Float64Array;
  readonly bound: ArrayLike<number>;
}

export function check(what: string, got: ArrayLike<number>, truth: Truth, g: Geometry): Comparison {
  return compare(what, got, truth.expected, truth.bound, g);
}

/** The geometry with one value per channel, for `check`. */
export function perChannel(channels: number): Geometry {
  return { outer: 1, channels, inner: 1 };
}

/** The error of the oracle, which rounds once, to float64. */
export function oracleError(value: number): number {
  return Math.abs(value) * 2 ** -53;
}

/** Adds the oracle's own error to `bound`. A value that overflows in the dtype also overflows in the truth. */
export function truth({ dtype }: Precision, values: ArrayLike<number>, bound: ArrayLike<number>): Truth {
  const { length } = values;
  const [expected, allowed] = [new Float64Array(length), new Float64Array(length)];
  for (let i = 0; i < length; i++) {
    expected[i] = inRange(dtype, values[i] as number);
    allowed[i] = (bound[i] as number) + oracleError(expected[i] as number);
  }
  return { expected, bound: allowed };
}

export function truthOf(p: Precision, channels: oracle.Channels, bound: ArrayLike<number>): Truth {
  return truth(p, oracle.valuesOf(channels), bound);
}

function inRange(dtype: Dtype, value: number): number {
  return dtype === "float32" && !Number.isFinite(Math.fround(value)) ? Math.fround(value) : value;
}

/** Rounds statistics as the dtype stores them: one that overflows is infinite in everything computed from it. */
function stored(dtype: Dtype, channels: oracle.Channels): oracle.Channels {
  return channels.map((value) => {
    const hi = inRange(dtype, value.hi);
    return hi === value.hi ? value : dd(hi);
  });
}

export interface Problem {
  readonly x: ArrayLike<number>;
  readonly g: Geometry;
  readonly eps: number;
  readonly affine: oracle.GammaBeta | null;
}

/** Statistics, their origin, and their largest errors. */
export interface StatsTruth {
  readonly batch: boolean;
  readonly stats: oracle.Stats;
  readonly errors: StatErrors;
}

/** The statistics of BN-5, with the bounds of N-2. */
export function batchStats(p: Precision, x: ArrayLike<number>, g: Geometry): StatsTruth {
  const exact = oracle.moments(x, g);
  const stats = { mean: stored(p.dtype, exact.mean), variance: stored(p.dtype, exact.variance) };
  return { batch: true, stats, errors: momentBounds(p, x, g, stats) };
}

/** The statistics of BN-6, with the bounds of N-8. */
export function storedStats(p: Precision, running: oracle.RunningStats): StatsTruth {
  const stats = oracle.globalStats(running);
  return {
    batch: false,
    stats,
    errors: { mean: globalBound(p, stats.mean), variance: globalBound(p, stats.variance) },
  };
}

/** BN-5, BN-6 and BS-1, with the bounds of N-4. */
export function forwardTruth(p: Precision, { x, g, eps, affine }: Problem, { stats, errors }: StatsTruth): Truth {
  return truth(p, oracle.normalize(x, g, stats, eps, affine), normalizeBound(p, x, g, stats, eps, affine, errors));
}

export interface BackwardTruth {
  readonly dx: Truth;
  readonly dGamma: Truth;
  readonly dBeta: Truth;
}

/**
 * BN-10, BN-11 and BS-2, with the bounds of N-5 and N-6. Gradients of gamma and beta are those of `times` equal
 * backwards, summed.
 */
export function backwardTruth(
  p: Precision,
  { x, g, eps, affine }: Problem,
  dy: ArrayLike<number>,
  { batch, stats, errors }: StatsTruth,
  times = 1,
): BackwardTruth {
  const sums = oracle.gradSums(dy, x, g, stats, eps);
  const off = gradSumBounds(p, dy, x, g, stats, eps, sums, errors);
  const gamma = affine?.gamma ?? null;
  const [used, usedOff] = batch ? [sums, off] : [null, null];
  const added = (channels: oracle.Channels, error: Float64Array) => {
    const total = oracle.valuesOf(channels).map((sum) => sum * times);
    return truth(
      p,
      total,
      error.map((e, c) => times * (e + addBound(p, channels[c]?.hi ?? 0, (total[c] as number) || 0))),
    );
  };
  return {
    dx: truth(
      p,
      oracle.gradNormalize(dy, x, g, stats, eps, gamma, used),
      gradNormalizeBound(p, dy, x, g, stats, eps, gamma, used, errors, usedOff),
    ),
    dGamma: added(sums.dyXhat, off.dyXhat),
    dBeta: added(sums.dy, off.dy),
  };
}

/** Running sums, with their largest errors after the steps so far. */
export interface RunningTruth {
  readonly running: oracle.RunningStats;
  readonly errors: { readonly mean: Float64Array; readonly variance: Float64Array; readonly factor: Float64Array };
}

export function runningTruth(running: oracle.RunningStats): RunningTruth {
  const none = () => new Float64Array(running.mean.length);
  return { running, errors: { mean: none(), variance: none(), factor: new Float64Array(1) } };
}

/** The truths of mean, variance and factor. */
export function runningTruths(p: Precision, { running, errors }: RunningTruth): readonly Truth[] {
  return [
    truthOf(p, running.mean, errors.mean),
    truthOf(p, running.variance, errors.variance),
    truthOf(p, [running.factor], errors.factor),
  ];
}

/** BN-7, N-8: the running sums after one more step. */
export function averaged(
  p: Precision,
  before: RunningTruth,
  { stats, errors }: Pick<StatsTruth, "stats" | "errors">,
  fraction: number,
  correction: DD,
): RunningTruth {
  const { running } = before;
  const old = { mean: oracle.valuesOf(running.mean), variance: oracle.valuesOf(running.variance) };
  const c = correction.hi;
  const variance = oracle.valuesOf(stats.variance).map((v) => v * c);
  const offVariance = errors.variance.map((e) => e * c);
  return {
    running: oracle.movingAverage(running, stats, fraction, correction),
    errors: {
      mean: averageBound(p, old.mean, fraction, oracle.valuesOf(stats.mean), errors.mean, before.errors.mean),
      variance: averageBound(p, old.variance, fraction, variance, offVariance, before.errors.variance),
      factor: averageBound(p, [running.factor.hi], fraction, [1], null, before.errors.factor),
    },
  };
}
