import { bounds, oracle } from "@bn/conformance";
import type { Geometry } from "@bn/core";

/**
 * The right results of layers by the suite's oracle, with the bounds of docs/spec.md (N-1 to N-8), without any code of
 * core.
 */
export interface Expected {
  readonly values: Float64Array;
  readonly bounds: Float64Array;
}
type Values = ArrayLike<number>;
type Precision = bounds.Precision;

/** Statistics per channel, with their errors. */
export interface Stats {
  readonly truth: oracle.Stats;
  readonly errors: bounds.StatErrors;
}

/** gamma and beta of a call; null for BatchNorm alone. */
export function affineOf(gamma: Values | undefined, beta: Values | undefined): oracle.GammaBeta | null {
  return gamma ? { gamma: oracle.channelsOf(gamma), beta: beta ? oracle.channelsOf(beta) : null } : null;
}

/** The oracle rounds once, to float64. */
function expected(values: Float64Array, allowed: Float64Array): Expected {
  return { values, bounds: allowed.map((bound, k) => bound + 2 ** -53 * Math.abs(values[k]!)) };
}

/** The statistics of BN-5, with the bounds of N-2. */
export function batchStats(x: Values, g: Geometry, p: Precision): Stats {
  const truth = oracle.moments(x, g);
  return { truth, errors: bounds.momentBounds(p, x, g, truth) };
}

/** The statistics of BN-6, with the bounds of N-8. */
export function storedStats(mean: Values, variance: Values, factor: Values, p: Precision): Stats {
  const { channelsOf, globalStats } = oracle;
  const truth = globalStats({ mean: channelsOf(mean), variance: channelsOf(variance), factor: channelsOf(factor)[0]! });
  return {
    truth,
    errors: { mean: bounds.globalBound(p, truth.mean), variance: bounds.globalBound(p, truth.variance) },
  };
}

/** BN-5, BN-6 and BS-1, with the bounds of N-3 and N-4. */
export function normalized(
  x: Values,
  g: Geometry,
  { truth, errors }: Stats,
  eps: number,
  affine: oracle.GammaBeta | null,
  p: Precision,
): Expected {
  const y = oracle.normalize(x, g, truth, eps, affine);
  return expected(y, bounds.normalizeBound(p, x, g, truth, eps, affine, errors));
}

/** BN-10, BN-11 and BS-2, with the bounds of N-5 and N-6. */
export function gradients(
  dy: Values,
  x: Values,
  g: Geometry,
  { truth, errors }: Stats,
  eps: number,
  gamma: oracle.Channels | null,
  batch: boolean,
  p: Precision,
) {
  const sums = oracle.gradSums(dy, x, g, truth, eps);
  const off = bounds.gradSumBounds(p, dy, x, g, truth, eps, sums, errors);
  const [used, usedOff] = batch ? [sums, off] : [null, null];
  return {
    dx: expected(
      oracle.gradNormalize(dy, x, g, truth, eps, gamma, used),
      bounds.gradNormalizeBound(p, dy, x, g, truth, eps, gamma, used, errors, usedOff),
    ),
    gamma: { values: oracle.valuesOf(sums.dyXhat), bounds: off.dyXhat },
    beta: { values: oracle.valuesOf(sums.dy), bounds: off.dy },
  };
}

/** A sum that is added to an old diff, which rounds once more after the sum was rounded. */
export function addedTo(old: Values, sum: Expected, p: Precision): Expected {
  const total = sum.values.map((value, c) => old[c]! + value);
  return expected(
    total,
    sum.bounds.map((bound, c) => bound + bounds.addBound(p, sum.values[c]!, old[c]!)),
  );
}

/** S-1 and S-6, with the bounds of N-8: y = x gamma + beta. */
export function scaled(x: Values, g: Geometry, affine: oracle.GammaBeta, p: Precision): Expected {
  return expected(oracle.scale(x, g, affine), bounds.scaleBound(p, x, g, affine));
}

/** The gradients of S-6, added to old diffs, with the bounds of N-1. */
export function scaleSums(dy: Values, x: Values, g: Geometry, oldGamma: Values, oldBeta: Values, p: Precision) {
  const { gamma, beta } = oracle.scaleSums(dy, x, g);
  const added = (old: Values, sum: oracle.Channels, by: Values | null) => {
    const total = oracle.valuesOf(sum).map((value, c) => old[c]! + value);
    return expected(total, bounds.sumBound(p, dy, by, g, sum, old));
  };
  return { gamma: added(oldGamma, gamma, x), beta: added(oldBeta, beta, null) };
}

/** BN-7, with the bounds of N-8. */
export function averaged(
  old: Values,
  value: Float64Array,
  error: Float64Array,
  fraction: number,
  correction: number,
  p: Precision,
): Expected {
  const added = value.map((one) => correction * one);
  const values = added.map((one, c) => fraction * old[c]! + one);
  const errors = error.map((one) => correction * one);
  return expected(values, bounds.averageBound(p, old, fraction, added, errors, null));
}

/** The largest float32. A truth beyond it is infinite in float32. */
const MOST = 2 ** 128 * (1 - 2 ** -24);

/** Describes where `got` is out of bounds, or returns null. */
export function misfit(what: string, got: Values, { values, bounds: allowed }: Expected, p: Precision): string | null {
  if (got.length !== values.length) return `${what} has ${got.length} values, expected ${values.length}`;
  for (let k = 0; k < values.length; k++) {
    const [a, b] = [got[k]!, values[k]!];
    const overflows = p.dtype === "float32" && Math.abs(b) + allowed[k]! > MOST;
    if (overflows && a === Math.sign(b) * Number.POSITIVE_INFINITY) continue;
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    if (!(Math.abs(a - b) <= allowed[k]!)) return `${what}[${k}] is ${a}, expected ${b} within ${allowed[k]}`;
  }
  return null;
}
