import type { HostArray, Supports } from "@bn/core";
import type { Comparison } from "../case.ts";
import { hostArray } from "../cases/data.ts";
import {
  addBound,
  globalBound,
  gradNormalizeBound,
  gradSumBounds,
  momentBounds,
  normalizeBound,
  type Precision,
  precisionOf,
  scaleBound,
  sumBound,
} from "../truth/bounds.ts";
import { compare } from "../truth/compare.ts";
import { dd, div, mul } from "../truth/dd.ts";
import { exactly } from "../truth/exact.ts";
import * as oracle from "../truth/oracle.ts";
import {
  averaged,
  backwardTruth,
  batchStats,
  forwardTruth,
  runningTruth,
  type StatsTruth,
  type Truth,
  truth,
  truthOf,
} from "../truth/truth.ts";
import { type Call, type Called, geometryOf, givenLeaves, IN_PLACE, type KernelName, sizeOf } from "./call.ts";

type Truths = Record<string, Truth>;

/** The part of a buffer that the geometry covers, as an input of the oracle. */
function given(call: Call, path: string): HostArray {
  const values = call.before.get(path);
  const leaf = givenLeaves(call).find((one) => one.path === path);
  return values && leaf ? values.subarray(0, sizeOf(call.g, leaf.size)) : new Float64Array(0);
}

const channels = (call: Call, path: string) => oracle.channelsOf(given(call, path));

function affineOf(call: Call): oracle.GammaBeta | null {
  if (!call.before.has("affine.gamma")) return null;
  return {
    gamma: channels(call, "affine.gamma"),
    beta: call.before.has("affine.beta") ? channels(call, "affine.beta") : null,
  };
}

function statsOf(call: Call): oracle.Stats {
  return { mean: channels(call, "stats.mean"), variance: channels(call, "stats.variance") };
}

function givenStats(call: Call): StatsTruth {
  const none = new Float64Array(call.g.channels);
  return { batch: true, stats: statsOf(call), errors: { mean: none, variance: none } };
}

const number = (call: Call, path: string) => call.numbers.get(path) ?? 0;

const runningOf = (call: Call, path: string) => ({
  mean: channels(call, `${path}.mean`),
  variance: channels(call, `${path}.variance`),
  factor: dd(given(call, `${path}.factor`)[0] ?? 0),
});

function averageTruths(p: Precision, call: Call, path: string, stats: Pick<StatsTruth, "stats" | "errors">): Truths {
  if (!call.before.has(`${path}.running.mean`)) return {};
  const start = runningTruth(runningOf(call, `${path}.running`));
  const [fraction, correction] = [number(call, `${path}.fraction`), dd(number(call, `${path}.correction`))];
  const { running, errors } = averaged(p, start, stats, fraction, correction);
  return {
    [`${path}.running.mean`]: truthOf(p, running.mean, errors.mean),
    [`${path}.running.variance`]: truthOf(p, running.variance, errors.variance),
    [`${path}.running.factor`]: truthOf(p, [running.factor], errors.factor),
  };
}

/** The truth for a sum that is added to former contents. */
function addedTruth(p: Precision, sum: Truth, prior: HostArray): Truth {
  const total = sum.expected.map((value, c) => value + (prior[c] as number));
  const rounding = sum.expected.map((value, c) => addBound(p, value, prior[c] as number) + (sum.bound[c] as number));
  return truth(p, total, rounding);
}

function gradTruths(p: Precision, call: Call, dyXhat: Truth, dy: Truth): Truths {
  const truths: Truths = {};
  for (const [path, sum] of [
    ["grad.gamma", dyXhat],
    ["grad.beta", dy],
  ] as const) {
    if (call.before.has(path)) truths[path] = addedTruth(p, sum, given(call, path));
  }
  return truths;
}

const exact = (values: ArrayLike<number>): Truth => ({
  expected: Float64Array.from(values),
  bound: new Float64Array(values.length),
});

/** The truth and the bound of each output: the clauses K-1 to K-10 for the call's own operands. */
const TRUTHS: Readonly<Record<KernelName, (call: Call, p: Precision) => Truths>> = {
  moments(call, p) {
    const x = given(call, "x");
    const stats = oracle.moments(x, call.g);
    const bounds = momentBounds(p, x, call.g, stats);
    return {
      "out.mean": truthOf(p, stats.mean, bounds.mean),
      "out.variance": truthOf(p, stats.variance, bounds.variance),
    };
  },
  // The cases themselves check that mean + meanLow meets its finer bound.
  splitMoments(call, p) {
    const x = given(call, "x");
    const stats = oracle.moments(x, call.g);
    const m = call.g.outer * call.g.inner;
    const { variance } = momentBounds(p, x, call.g, stats);
    const bound = variance.map((error, c) => m * (error + 2 * p.u * (stats.variance[c]?.hi ?? 0)));
    return {
      "out.m2": truthOf(
        p,
        stats.variance.map((value) => mul(value, dd(m))),
        bound,
      ),
    };
  },
  normalize(call, p) {
    const [x, eps, affine] = [given(call, "x"), number(call, "eps"), affineOf(call)];
    const stats = statsOf(call);
    const bound = normalizeBound(p, x, call.g, stats, eps, affine, null);
    return { y: truth(p, oracle.normalize(x, call.g, stats, eps, affine), bound) };
  },
  gradSums(call, p) {
    const [dy, x, eps, stats] = [given(call, "dy"), given(call, "x"), number(call, "eps"), statsOf(call)];
    const sums = oracle.gradSums(dy, x, call.g, stats, eps);
    const bounds = gradSumBounds(p, dy, x, call.g, stats, eps, sums, null);
    const [sumDy, dyXhat] = [truthOf(p, sums.dy, bounds.dy), truthOf(p, sums.dyXhat, bounds.dyXhat)];
    return { "sums.dy": sumDy, "sums.dyXhat": dyXhat, ...gradTruths(p, call, dyXhat, sumDy) };
  },
  gradNormalize(call, p) {
    const [dy, x, eps, stats] = [given(call, "dy"), given(call, "x"), number(call, "eps"), statsOf(call)];
    const gamma = affineOf(call)?.gamma ?? null;
    // The oracle divides by outer * inner, so sums over more values are scaled to that.
    const share = div(dd(call.g.outer * call.g.inner), dd(number(call, "m")));
    const scaled = (path: string) => channels(call, path).map((sum) => mul(sum, share));
    const sums = call.before.has("sums.dy") ? { dy: scaled("sums.dy"), dyXhat: scaled("sums.dyXhat") } : null;
    const bound = gradNormalizeBound(p, dy, x, call.g, stats, eps, gamma, sums, null, null);
    return { dx: truth(p, oracle.gradNormalize(dy, x, call.g, stats, eps, gamma, sums), bound) };
  },
  forward(call, p) {
    const [x, eps, affine] = [given(call, "x"), number(call, "eps"), affineOf(call)];
    const stats = batchStats(p, x, call.g);
    return {
      "stats.mean": truthOf(p, stats.stats.mean, stats.errors.mean),
      "stats.variance": truthOf(p, stats.stats.variance, stats.errors.variance),
      ...averageTruths(p, call, "average", stats),
      y: forwardTruth(p, { x, g: call.g, eps, affine }, stats),
    };
  },
  backward(call, p) {
    const [x, eps, affine] = [given(call, "x"), number(call, "eps"), affineOf(call)];
    const { dx, dGamma, dBeta } = backwardTruth(p, { x, g: call.g, eps, affine }, given(call, "dy"), givenStats(call));
    const truths: Truths = { "sums.dy": dBeta, "sums.dyXhat": dGamma, ...gradTruths(p, call, dGamma, dBeta) };
    // If the sums are divided by more values than they were taken over, they cannot be judged here.
    return number(call, "m") === call.g.outer * call.g.inner ? { ...truths, dx } : truths;
  },
  scale(call, p) {
    const [x, affine] = [given(call, "x"), affineOf(call)];
    if (!affine) return {};
    return { y: truth(p, oracle.scale(x, call.g, affine), scaleBound(p, x, call.g, affine)) };
  },
  scaleSums(call, p) {
    const [dy, x] = [given(call, "dy"), given(call, "x")];
    const sums = oracle.scaleSums(dy, x, call.g);
    const truths: Truths = {};
    for (const [path, sum, source] of [
      ["dGamma", sums.gamma, x],
      ["dBeta", sums.beta, null],
    ] as const) {
      if (!call.before.has(path)) continue;
      const prior = given(call, path);
      const total = sum.map(({ hi }, c) => hi + (prior[c] as number));
      truths[path] = truth(p, total, sumBound(p, dy, source, call.g, sum, prior));
    }
    return truths;
  },
  movingAverage: (call, p) => averageTruths(p, call, "average", givenStats(call)),
  globalStats(call, p) {
    const stats = oracle.globalStats(runningOf(call, "running"));
    return {
      "stats.mean": truthOf(p, stats.mean, globalBound(p, stats.mean)),
      "stats.variance": truthOf(p, stats.variance, globalBound(p, stats.variance)),
    };
  },
  copy: (call) => ({ y: exact(given(call, "x")) }),
  fill: (call) => ({ y: exact(hostArray(call.dtype, call.g.channels).fill(number(call, "value"))) }),
};

export interface Judged {
  readonly precision: Precision;
  readonly truths: Readonly<Truths>;
  /**
   * One comparison per output, then one per buffer in which more was changed than the call covers. `what` begins with
   * the path.
   */
  readonly comparisons: readonly Comparison[];
  readonly worst: Comparison | null;
}

export const failed = ({ error }: Called, { worst }: Judged): boolean =>
  error !== undefined || (worst !== null && worst.ratio > 1);

/**
 * The truths that a verdict can be based on. Sums of finite numbers may overflow here although they overflow neither in
 * a careful kernel nor in the cases' own oracle. A truth that is not finite therefore proves nothing, and any value is
 * accepted.
 */
function known(called: Called, truths: Truths): Truths {
  const finite = givenLeaves(called).every(
    ({ path, use }) => use === "out" || given(called, path).every((value) => Number.isFinite(value)),
  );
  if (!finite) return truths;
  const finiteOnly = (path: string, truth: Truth): Truth => {
    const { expected, bound } = truth;
    const got = called.after.get(path);
    const unknown = expected.map((value, i) => (Number.isFinite(value) && Number.isFinite(bound[i]) ? 0 : 1));
    if (!got || !unknown.includes(1)) return truth;
    return {
      expected: expected.map((value, i) => (unknown[i] ? (got[i] as number) : value)),
      bound: Float64Array.from(bound, (value, i) => (unknown[i] ? Number.POSITIVE_INFINITY : value)),
    };
  };
  return Object.fromEntries(Object.entries(truths).map(([path, truth]) => [path, finiteOnly(path, truth)]));
}

/** Compares the result of one call with the right result. */
export function judge(called: Called, supports: Supports): Judged {
  const precision = precisionOf(called.dtype, supports);
  const all = TRUTHS[called.kernel](called, precision);
  const truths = EXACT.has(called.kernel) ? all : known(called, all);
  const comparisons: Comparison[] = [];
  const source = called.inPlace ? IN_PLACE[called.kernel]?.[1] : undefined;
  for (const { path, use, size } of givenLeaves(called)) {
    const [was, is] = [called.before.get(path), called.after.get(path)];
    if (!was || !is || path === source) continue;
    const length = sizeOf(called.g, size);
    const expected = truths[path];
    const g = geometryOf(called.g, size);
    const got = is.subarray(0, length);
    if (expected && EXACT.has(called.kernel)) comparisons.push(exactly(path, got, expected.expected));
    else if (expected) comparisons.push(compare(path, got, expected.expected, expected.bound, g));
    const from = use === "in" ? 0 : length;
    const touched = is.findIndex((value, i) => i >= from && !Object.is(value, was[i]));
    if (touched < 0) continue;
    const [value, before] = [is[touched] as number, was[touched] as number];
    const [error, ratio] = [Math.abs(value - before), Number.POSITIVE_INFINITY];
    const what = `${path}[${touched}], ${use === "in" ? "an input" : "past the end of the output"}`;
    const at = { outer: 0, channel: touched, inner: 0 };
    comparisons.push({ what, error, bound: 0, ratio, at, got: value, expected: before, note: TOUCHED });
  }
  const worst = comparisons.reduce<Comparison | null>((a, b) => (a === null || b.ratio > a.ratio ? b : a), null);
  return { precision, truths, comparisons, worst };
}

/** Kernels that compute nothing. Zeros keep their signs, and NaN stays NaN. */
const EXACT: ReadonlySet<string> = new Set(["copy", "fill"]);

export const TOUCHED = "no kernel may change it";
