import { bounds, compare, oracle } from "@bn/conformance";
import type { Backend, Dtype, Geometry } from "@bn/core";
import type { Part } from "./problem.ts";

/** 2^-53, the unit roundoff of the merge. */
const V = 2 ** -53;

type Precision = ReturnType<typeof bounds.precisionOf>;

/**
 * The exact results for the whole batch of all ranks, and the largest error that a synchronised layer may have.
 */
export interface Whole {
  readonly g: Geometry;
  readonly p: Precision;
  readonly ranks: number;
  readonly stats: oracle.Stats;
  readonly errors: bounds.StatErrors;
  readonly sums: oracle.GradSums;
  readonly sumErrors: bounds.SumErrors;
}

export interface Affine {
  readonly gamma: Float64Array;
  readonly beta: Float64Array;
}

const rowsOf = (rows: number, channels: number): Geometry => ({ outer: rows, channels, inner: 1 });

export function wholeOf(
  part: Part,
  ranks: number,
  channels: number,
  eps: number,
  dtype: Dtype,
  backend: Backend,
): Whole {
  const g = rowsOf(part.rows, channels);
  const p = bounds.precisionOf(dtype, backend.supports);
  const stats = oracle.moments(part.x, g);
  const errors = statErrors(p, ranks, part, g, stats);
  const sums = oracle.gradSums(part.dy, part.x, g, stats, eps);
  const own = bounds.gradSumBounds(p, part.dy, part.x, g, stats, eps, sums, errors);
  return { g, p, stats, errors, sums, ranks, sumErrors: gathered(p, ranks, own, sums) };
}

/** The bounds of R-3 for mean and variance. */
function statErrors(
  { u, eta }: Precision,
  ranks: number,
  { x, rows }: Part,
  g: Geometry,
  stats: oracle.Stats,
): bounds.StatErrors {
  const s = (40 + Math.log2(rows)) * u;
  const merge = 2 * ranks * V;
  const reach = new Float64Array(g.channels);
  oracle.each(g, (i, c) => {
    reach[c] = Math.max(reach[c]!, Math.abs(x[i]! - stats.mean[c]!.hi));
  });
  const e = reach.map(
    (d, c) => 2 * u ** 2 * (Math.abs(stats.mean[c]!.hi) + d) + (4 * s + 14 * u + merge) * d + 4 * eta,
  );
  return {
    mean: e.map((error, c) => error + u * Math.abs(stats.mean[c]!.hi)),
    variance: e.map((error, c) => {
      const root = Math.sqrt(stats.variance[c]!.hi);
      return (s + 6 * u + merge) * (root + 2 * error) ** 2 + 4 * error * (root + error) + 4 * eta;
    }),
  };
}

/** The bounds of R-3 for sums: each rank's sums are rounded, and so is their total. */
function gathered({ u }: Precision, ranks: number, own: bounds.SumErrors, sums: oracle.GradSums): bounds.SumErrors {
  const more = (bound: Float64Array, of: oracle.Channels) => {
    return bound.map((value, c) => (1 + (1 + (ranks * V) / u) / 40) * value + u * Math.abs(of[c]!.hi));
  };
  return { dy: more(own.dy, sums.dy), dyXhat: more(own.dyXhat, sums.dyXhat) };
}

/** Throws if an element of `got` is outside of its bound. */
function check(
  what: string,
  got: ArrayLike<number>,
  expected: Float64Array,
  bound: ArrayLike<number>,
  g: Geometry,
): void {
  const allowed = expected.map((value, i) => bound[i]! + 2 ** -53 * Math.abs(value));
  const worst = compare(what, got, expected, allowed, g);
  if (worst.ratio <= 1) return;
  throw new Error(
    `${what}: ${worst.got}, expected ${worst.expected}, off by ${worst.ratio} of the bound ${worst.bound}`,
  );
}

const doubles = (affine: Affine | null) => {
  return affine && { gamma: oracle.channelsOf(affine.gamma), beta: oracle.channelsOf(affine.beta) };
};

export function checkTop(whole: Whole, { x, rows }: Part, eps: number, affine: Affine | null, y: Float64Array): void {
  const g = rowsOf(rows, whole.g.channels);
  const wide = doubles(affine);
  const bound = bounds.normalizeBound(whole.p, x, g, whole.stats, eps, wide, whole.errors);
  check("top", y, oracle.normalize(x, g, whole.stats, eps, wide), bound, g);
}

export function checkBottomDiff(whole: Whole, part: Part, eps: number, affine: Affine | null, dx: Float64Array): void {
  const { p, stats, sums, errors, sumErrors } = whole;
  const { x, dy, rows } = part;
  const g = rowsOf(rows, whole.g.channels);
  const m = whole.g.outer;
  const gamma = doubles(affine)?.gamma ?? null;
  const bound = bounds.gradNormalizeBound(p, dy, x, g, stats, eps, gamma, sums, errors, sumErrors, m);
  check("bottom.diff", dx, oracle.gradNormalize(dy, x, g, stats, eps, gamma, sums, m), bound, g);
}

/** Checks gradients of gamma and beta: those of `part`, added to `times - 1` equal ones. */
export function checkGradients(
  whole: Whole,
  part: Part,
  eps: number,
  times: number,
  got: { readonly gamma: ArrayLike<number>; readonly beta: ArrayLike<number> },
): void {
  const { p, stats, errors } = whole;
  const { x, dy, rows } = part;
  const g = rowsOf(rows, whole.g.channels);
  const sums = oracle.gradSums(dy, x, g, stats, eps);
  const off = gathered(p, whole.ranks, bounds.gradSumBounds(p, dy, x, g, stats, eps, sums, errors), sums);
  const channel = rowsOf(1, g.channels);
  for (const [name, of, error] of [
    ["gamma", sums.dyXhat, off.dyXhat],
    ["beta", sums.dy, off.dy],
  ] as const) {
    const total = oracle.valuesOf(of).map((sum) => times * sum);
    const bound = total.map((sum, c) => times * (error[c]! + bounds.addBound(p, of[c]!.hi, sum)));
    check(`${name}.diff`, got[name], total, bound, channel);
  }
}

/** Checks the stored sums after forwards over these whole batches, starting from zero. */
export function checkStored(
  steps: readonly Whole[],
  fraction: number,
  got: { readonly mean: ArrayLike<number>; readonly variance: ArrayLike<number>; readonly factor: ArrayLike<number> },
): void {
  const channels = steps[0]!.g.channels;
  const zeros = () => oracle.channelsOf(new Float64Array(channels));
  let running: oracle.RunningStats = { mean: zeros(), variance: zeros(), factor: oracle.channelsOf([0])[0]! };
  let off: bounds.StatErrors = { mean: new Float64Array(channels), variance: new Float64Array(channels) };
  for (const { p, g, stats, errors } of steps) {
    const correction = oracle.correctionOf(g);
    const by = correction.hi;
    const [mean, variance] = [oracle.valuesOf(running.mean), oracle.valuesOf(running.variance)];
    const added = oracle.valuesOf(stats.variance).map((value) => by * value);
    const addedError = errors.variance.map((value) => by * value);
    off = {
      mean: bounds.averageBound(p, mean, fraction, oracle.valuesOf(stats.mean), errors.mean, off.mean),
      variance: bounds.averageBound(p, variance, fraction, added, addedError, off.variance),
    };
    running = oracle.movingAverage(running, stats, fraction, correction);
  }
  const channel = rowsOf(1, channels);
  check("blobs[0]", got.mean, oracle.valuesOf(running.mean), off.mean, channel);
  check("blobs[1]", got.variance, oracle.valuesOf(running.variance), off.variance, channel);
  check(
    "blobs[2]",
    got.factor,
    new Float64Array([running.factor.hi]),
    [4 * steps[0]!.p.u * running.factor.hi],
    rowsOf(1, 1),
  );
}
