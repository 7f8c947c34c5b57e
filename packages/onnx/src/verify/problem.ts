import { oracle } from "@bn/conformance";
import type { Dtype, Geometry, HostArray, Shape } from "@bn/core";
import type { Narrow } from "../graph/float-types.ts";

/** gamma and beta along the axes that `g` calls channels. */
interface AffineOver {
  readonly g: Geometry;
  readonly gamma: ArrayLike<number>;
  readonly beta: ArrayLike<number> | null;
}

/**
 * A normalization in a form that fits every operator: `normalize` over a geometry, then possibly `scale` over another.
 */
export interface Problem {
  readonly x: HostArray;
  readonly dtype: Dtype;
  /** The type of the network's tensors if it is narrower than `dtype`. ONNX Runtime rounds to it once. */
  readonly narrow: Narrow | null;
  readonly g: Geometry;
  readonly eps: number;
  /** Given statistics, or null for those of the batch. */
  readonly stats: { readonly mean: ArrayLike<number>; readonly variance: ArrayLike<number> } | null;
  /** gamma and beta along the channels of `g`. */
  readonly affine: { readonly gamma: ArrayLike<number>; readonly beta: ArrayLike<number> | null } | null;
  /** The scale that follows if gamma and beta are not along the channels of `g`. */
  readonly after: AffineOver | null;
  /** How ONNX Runtime computes a batch's variance: the mean of (x - mean)^2, or the mean of x^2 minus mean^2. */
  readonly sums: "deviations" | "squares";
  /** The precision that the operator promises for statistics, if it is lower than that of `dtype`. */
  readonly stashed: Dtype;
}

export const countOf = (shape: Shape, start = 0, end = shape.length) =>
  shape.slice(start, end).reduce((a, b) => a * b, 1);

/** [N][C][D1 * D2 * ...] or, with spatial = 0, one channel per position in all axes but the first. */
export function batchGeometry(shape: Shape, spatial: boolean): Geometry {
  const outer = shape[0] ?? 0;
  if (!spatial) return { outer, channels: countOf(shape, 1), inner: 1 };
  return { outer, channels: shape.length === 1 ? 1 : (shape[1] ?? 0), inner: countOf(shape, 2) };
}

/** Repeats `values` `times` times: gamma per channel becomes gamma per instance and channel. */
export function tiled(values: ArrayLike<number>, times: number): Float64Array {
  return Float64Array.from({ length: values.length * times }, (_, i) => values[i % values.length] as number);
}

/** The statistics by which a problem normalizes. */
export function statisticsOf({ x, g, stats }: Problem): oracle.Stats {
  if (stats === null) return oracle.moments(x, g);
  return { mean: oracle.channelsOf(stats.mean), variance: oracle.channelsOf(stats.variance) };
}

export function affineOf(affine: Problem["affine"]): oracle.GammaBeta | null {
  if (affine === null) return null;
  const { gamma, beta } = affine;
  return { gamma: oracle.channelsOf(gamma), beta: beta ? oracle.channelsOf(beta) : null };
}
