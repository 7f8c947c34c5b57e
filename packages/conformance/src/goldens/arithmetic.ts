import type { Dtype, Geometry, Supports } from "@bn/core";
import { momentBounds, type Precision, precisionOf, type StatErrors, sumFactor } from "../truth/bounds.ts";
import { each, type Stats, valuesOf } from "../truth/oracle.ts";

/** How far an implementation of the layers may be from exact arithmetic: the bounds of docs/spec.md with its own sums. */
export interface Arithmetic {
  readonly precision: Precision;
  /** Errors of the batch's moments. */
  moments(x: ArrayLike<number>, g: Geometry, stats: Stats): StatErrors;
  /** A bound with N-1's S in it, for a sum of terms of this total size, with this arithmetic's factor in its place. */
  resum(bound: number, size: number, g: Geometry): number;
  /** What a diff that was there `before` adds to the error of the sum that it was added to. */
  accumulate(before: number, g: Geometry): number;
}

/** What a backend must meet: docs/spec.md N-1 to N-8. */
export function ours(dtype: Dtype, supports: Supports): Arithmetic {
  const precision = precisionOf(dtype, supports);
  return {
    precision,
    moments: (x, g, stats) => momentBounds(precision, x, g, stats),
    resum: (bound) => bound,
    accumulate: () => 0,
  };
}

const IEEE = { correctlyRounded: true, subnormals: true } as Supports;

/**
 * What Caffe's own results may err by (G-2). Its sums run over space, then over the batch, through BLAS, in the dtype:
 * in whatever order, a term passes at most inner - 1 and outer - 1 additions, and two roundings of its factor 1 / m, so
 * a sum errs by (inner + outer) u sum |t|. The variance is taken about the rounded mean, which errs by d: it is that of
 * the channel plus d^2, its squares carry 3 u. The maps: subtract 1, sqrt(variance + eps) 1.5, divide 1.
 */
export function caffe(dtype: Dtype): Arithmetic {
  const precision: Precision = { ...precisionOf(dtype, IEEE), k: 4 };
  const { u, eta } = precision;
  const naive = ({ outer, inner }: Geometry) => (outer + inner) * u;
  return {
    precision,
    moments(x, g, stats) {
      const m = g.outer * g.inner;
      const mean = new Float64Array(g.channels);
      each(g, (i, c) => {
        mean[c] = (mean[c] as number) + (naive(g) * Math.abs(x[i] as number)) / m + eta;
      });
      const variance = valuesOf(stats.variance).map((value, c) => {
        const squared = (mean[c] as number) ** 2;
        return (naive(g) + 3 * u) * (value + squared) + squared + 4 * eta;
      });
      return { mean, variance };
    },
    resum: (bound, size, g) => bound + (naive(g) - sumFactor(precision, g.outer * g.inner)) * size,
    // gemv with beta = 1: the old value may pass every addition.
    accumulate: (before, g) => naive(g) * Math.abs(before),
  };
}
