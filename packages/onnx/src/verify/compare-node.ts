import { bounds, type Comparison, compare, oracle } from "@bn/conformance";
import type { Backend, Geometry, HostArray } from "@bn/core";
import { FLOAT_TYPES } from "../graph/float-types.ts";
import { exactly } from "./exact.ts";
import { type Part, placeIn } from "./parts.ts";
import { indexIn, type Piece, piecesOf } from "./pieces.ts";
import { affineOf, type Problem } from "./problem.ts";
import { foldedBound, runtimeMomentBounds, runtimePrecision, runtimeSquareBounds } from "./runtime-bounds.ts";
import { inFloat32 } from "./validate-layer.ts";

/** The number of values per piece, which limits the float64 arrays that are held: a dozen of 0.5 MiB. */
const PIECE = 2 ** 16;

/** A backend's top, compared with float64 and with ONNX Runtime. */
interface TopComparison {
  readonly float64: Comparison;
  readonly onnxRuntime: Comparison | null;
}

export interface NodeComparison {
  /** ONNX Runtime compared with float64; null if it gave no result, or none that a bound applies to. */
  readonly onnxRuntime: Comparison | null;
  readonly tops: ReadonlyMap<Backend, TopComparison>;
  /** 1 for each channel with a value that is not NaN in float64. */
  readonly told: Uint8Array;
  /** Whether all values in float64 are finite. */
  readonly finite: boolean;
}

/** A top, with the backend that computed it. */
export interface Top {
  readonly backend: Backend;
  readonly values: HostArray;
}

/** Compares tops of the same problem with ONNX Runtime's result (`theirs`, as numbers), piece by piece. */
export function compareNode(
  problem: Problem,
  stats: oracle.Stats,
  tops: readonly Top[],
  theirs: HostArray | null,
): NodeComparison {
  const { g, dtype, x } = problem;
  const runtimeP = runtimePrecision(dtype);
  const theirErrors = problem.stats === null ? runtimeErrors(problem, stats) : null;
  // If the sums of squares leave no digit of the variance, there is no bound for it.
  const known = theirs !== null && !boundless(problem, stats, theirErrors);
  const ours = tops.map(({ backend }) => ownErrors(problem, backend, stats));
  let runtime: Comparison | null = null;
  const found = tops.map((): { float64: Comparison | null; onnxRuntime: Comparison | null } => ({
    float64: null,
    onnxRuntime: null,
  }));
  const told = new Uint8Array(g.channels);
  let finite = true;
  for (const piece of piecesOf(g, PIECE)) {
    const size = piece.g.outer * piece.g.channels * piece.g.inner;
    const part = (values: HostArray) => values.subarray(piece.offset, piece.offset + size);
    const xs = part(x);
    const of = statsIn(piece, stats);
    const affine = affineIn(piece, affineOf(problem.affine));
    const xhat = exactly(dtype, xs, piece.g, of, problem.eps, affine);
    const scale = factorsIn(problem, piece);
    const exact = scale ? xhat.map((value, i) => value * (scale.gamma[i] as number) + (scale.beta[i] as number)) : xhat;
    const expected = dtype === "float32" ? inRange(exact) : exact;
    finite = tell(expected, piece, told) && finite;
    const total = (bound: Float64Array, own: bounds.Precision) => throughScale(bound, xhat, scale, own);
    const rounded = (bound: Float64Array) => withRounding(bound, expected);
    const theirBound = total(
      foldedBound(runtimeP, xs, piece.g, of, problem.eps, affine, theirErrors && errorsIn(piece, theirErrors)),
      runtimeP,
    );
    const narrowed = narrowing(problem, expected, theirBound, known ? part(theirs) : null);
    if (narrowed) {
      const one = compare("ONNX Runtime", narrowed.got, narrowed.expected, rounded(narrowed.bound), piece.g);
      runtime = worse(runtime, placed(one, piece, g));
    }
    for (const [k, { values, backend }] of tops.entries()) {
      const p = bounds.precisionOf(dtype, backend.supports);
      const own = ours[k] ?? null;
      const errors = own && errorsIn(piece, own);
      const bound = total(bounds.normalizeBound(p, xs, piece.g, of, problem.eps, affine, errors), p);
      const top = part(values);
      const into = found[k] as (typeof found)[number];
      into.float64 = worse(into.float64, placed(compare("float64", top, expected, rounded(bound), piece.g), piece, g));
      if (!narrowed) continue;
      const both = sumOf(bound, narrowed.bound);
      const one = compare("ONNX Runtime", top, narrowed.reference(top, both), both, piece.g);
      into.onnxRuntime = worse(into.onnxRuntime, placed(one, piece, g));
    }
  }
  return {
    onnxRuntime: runtime,
    tops: new Map(tops.map(({ backend }, i) => [backend, found[i] as TopComparison] as const)),
    told,
    finite,
  };
}

/** A value that overflows in float32 is infinite in the truth too. */
function inRange(values: Float64Array): Float64Array {
  const found = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) found[i] = inFloat32(values[i] as number);
  return found;
}

/** Marks channels that have a value which is not NaN. Returns whether all values are finite. */
function tell(values: Float64Array, { channel, g }: Piece, told: Uint8Array): boolean {
  let finite = true;
  for (let o = 0, i = 0; o < g.outer; o++) {
    for (let c = 0; c < g.channels; c++) {
      let some = false;
      for (const end = i + g.inner; i < end; i++) {
        const value = values[i] as number;
        if (!Number.isNaN(value)) some = true;
        if (!Number.isFinite(value)) finite = false;
      }
      if (some) told[channel + c] = 1;
    }
  }
  return finite;
}

/** Adds the rounding of the truth to float64. */
function withRounding(bound: Float64Array, expected: Float64Array): Float64Array {
  const found = new Float64Array(bound.length);
  for (let i = 0; i < bound.length; i++) found[i] = (bound[i] as number) + Math.abs(expected[i] as number) * 2 ** -51;
  return found;
}

function sumOf(one: Float64Array, other: Float64Array): Float64Array {
  const found = new Float64Array(one.length);
  for (let i = 0; i < one.length; i++) found[i] = (one[i] as number) + (other[i] as number);
  return found;
}

/** Adds the comparison of a part to those before it, with positions in the whole tensor. A part without a bound leaves none. */
export function mergeComparisons(
  before: NodeComparison | null,
  part: Part,
  now: NodeComparison,
  g: Geometry,
): NodeComparison {
  const at = (found: Comparison): Comparison => {
    const { outer, channel, inner } = found.at;
    return { ...found, at: indexIn(placeIn(part, (outer * part.g.channels + channel) * part.g.inner + inner), g) };
  };
  const both = (one: Comparison | null | undefined, other: Comparison | null) =>
    one === undefined ? other && at(other) : one && other && worse(one, at(other));
  const told = before?.told ?? new Uint8Array(g.channels);
  for (const [c, is] of now.told.entries()) if (is) told[part.channel + c] = 1;
  const tops = [...now.tops].map(([backend, top]) => {
    const own = before?.tops.get(backend);
    const float64 = worse(own?.float64 ?? null, at(top.float64));
    return [backend, { float64, onnxRuntime: both(own?.onnxRuntime, top.onnxRuntime) }] as const;
  });
  return {
    onnxRuntime: both(before?.onnxRuntime, now.onnxRuntime),
    tops: new Map(tops),
    told,
    finite: now.finite && (before?.finite ?? true),
  };
}

/** The bound of ONNX Runtime's values if its tensor is narrower than its arithmetic: O-4 of docs/spec.md. */
function narrowing({ narrow }: Problem, expected: Float64Array, bound: Float64Array, theirs: ArrayLike<number> | null) {
  if (theirs === null) return null;
  if (narrow === null) return { got: theirs, expected, bound, reference: () => theirs };
  const { u, smallest, overflow } = FLOAT_TYPES[narrow];
  const wide = bound.map((own, i) => own + u * (Math.abs(expected[i] as number) + own) + smallest / 2);
  // A value that may have been beyond the largest number before it was rounded may be infinite.
  const beyond = (i: number, value: number, allowed: number) =>
    Math.abs(theirs[i] as number) === Number.POSITIVE_INFINITY && Math.abs(value) + allowed >= overflow;
  const reference = (values: ArrayLike<number>, allowed: Float64Array) =>
    Float64Array.from(values, (value, i) => (beyond(i, value, allowed[i] as number) ? value : (theirs[i] as number)));
  return {
    got: theirs,
    expected: expected.map((value, i) => (beyond(i, value, wide[i] as number) ? (theirs[i] as number) : value)),
    bound: wide,
    reference,
  };
}

/**
 * The errors of a backend's statistics: of the reduction, or of the division by a factor of 1 if division is not exact.
 */
function ownErrors({ stats, dtype, x, g }: Problem, backend: Backend, truth: oracle.Stats): bounds.StatErrors | null {
  const p = bounds.precisionOf(dtype, backend.supports);
  if (stats === null) return bounds.momentBounds(p, x, g, truth);
  if (backend.supports.correctlyRounded) return null;
  return { mean: bounds.globalBound(p, truth.mean), variance: bounds.globalBound(p, truth.variance) };
}

/**
 * The errors of ONNX Runtime's statistics. That of the variance is expressed by its effect on 1 / sqrt(variance + eps),
 * beyond the first order too.
 */
function runtimeErrors({ stashed, sums, x, g, eps }: Problem, stats: oracle.Stats): bounds.StatErrors {
  const p = runtimePrecision(stashed);
  const first = sums === "squares" ? runtimeSquareBounds(p, x, g, stats) : runtimeMomentBounds(p, x, g, stats);
  const variance = oracle.valuesOf(stats.variance);
  const whole = first.variance.map((error, c) => {
    const off = error / ((variance[c] as number) + eps);
    return off < 0.5 ? error * (1 - off) ** -1.5 : error;
  });
  return { mean: first.mean, variance: whole };
}

function boundless({ eps }: Problem, stats: oracle.Stats, errors: bounds.StatErrors | null): boolean {
  const variance = oracle.valuesOf(stats.variance);
  return errors?.variance.some((error, c) => error >= 0.5 * ((variance[c] as number) + eps)) ?? false;
}

/** The gamma and beta of `after`, one per value of the piece. */
function factorsIn({ after }: Problem, { offset, g }: Piece) {
  if (after === null) return null;
  const size = g.outer * g.channels * g.inner;
  const { channels, inner } = after.g;
  const at = (i: number) => Math.floor((offset + i) / inner) % channels;
  const spread = (values: ArrayLike<number> | null) =>
    Float64Array.from({ length: size }, (_, i) => values?.[at(i)] ?? 0);
  return { gamma: spread(after.gamma), beta: spread(after.beta) };
}

/** Adds N-8: the previous error is scaled, and the product and the sum round. */
function throughScale(
  bound: Float64Array,
  xhat: Float64Array,
  scale: ReturnType<typeof factorsIn>,
  { u, eta }: bounds.Precision,
): Float64Array {
  if (scale === null) return bound;
  return bound.map((own, i) => {
    const gamma = Math.abs(scale.gamma[i] as number);
    const product = Math.abs(xhat[i] as number) * gamma;
    return own * gamma * (1 + 2 * u) + u * (2 * product + Math.abs(scale.beta[i] as number)) + eta;
  });
}

const range = <T>(values: readonly T[], { channel, g }: Piece) => values.slice(channel, channel + g.channels);
const statsIn = (piece: Piece, { mean, variance }: oracle.Stats) => ({
  mean: range(mean, piece),
  variance: range(variance, piece),
});
const affineIn = (piece: Piece, affine: oracle.GammaBeta | null) =>
  affine && { gamma: range(affine.gamma, piece), beta: affine.beta && range(affine.beta, piece) };
const errorsIn = ({ channel, g }: Piece, { mean, variance }: bounds.StatErrors) => ({
  mean: mean.slice(channel, channel + g.channels),
  variance: variance.slice(channel, channel + g.channels),
});

function worse(before: Comparison | null, now: Comparison): Comparison {
  return before && before.ratio >= now.ratio ? before : now;
}

/** A comparison of a piece, with its position in the whole tensor. */
function placed(found: Comparison, { offset, g }: Piece, whole: Geometry): Comparison {
  const { outer, channel, inner } = found.at;
  return { ...found, at: indexIn(offset + (outer * g.channels + channel) * g.inner + inner, whole) };
}
