import { type bounds, oracle } from "@bn/conformance";
import type { Dtype, Geometry } from "@bn/core";
import { FLOAT_TYPES } from "../graph/float-types.ts";

/**
 * The largest error of ONNX Runtime's own kernel, to first order in u: O-1 to O-3 of docs/spec.md. The kernel computes
 * (x - mean) r gamma + beta as x * A + B with A = r gamma and B = beta - mean * A, all in the dtype. In training it
 * adds up x and (x - mean)^2 plainly. It therefore loses digits with |mean| / std and with m, where our backends must
 * not.
 */
type Values = ArrayLike<number>;

/** On a CPU, ONNX Runtime rounds correctly and keeps subnormals. */
export function runtimePrecision(dtype: Dtype): bounds.Precision {
  const { u, smallest: eta } = FLOAT_TYPES[dtype];
  return { dtype, u, eta, k: 6.5, once: false, division: 1 };
}

/**
 * O-1: u (6.5 |t| + (|x| + 2 |mean|) r |gamma| + 2 |beta|), with t = (x - mean) r gamma. `errors` of the statistics are
 * added as in N-4.
 *
 * Derivation: A has an error of 5.5 u (half of the error of variance + eps, one ulp each for sqrt and reciprocal, and
 * the product). It scales t, because x and mean are multiplied by the same A. Then x * A, mean * A, B and the result
 * round once each.
 */
export function foldedBound(
  { u, eta }: bounds.Precision,
  x: Values,
  g: Geometry,
  stats: oracle.Stats,
  eps: number,
  affine: oracle.GammaBeta | null,
  errors: bounds.StatErrors | null,
): Float64Array {
  const [means, variances] = [oracle.valuesOf(stats.mean), oracle.valuesOf(stats.variance)];
  const { outer, channels, inner } = g;
  const bound = new Float64Array(outer * channels * inner);
  for (let o = 0, i = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const [mean, variance] = [means[c] as number, variances[c] as number];
      const [offMean, offVariance] = [errors?.mean[c] ?? 0, errors?.variance[c] ?? 0];
      const gamma = Math.abs(affine?.gamma[c]?.hi ?? 1);
      const beta = Math.abs(affine?.beta?.[c]?.hi ?? 0);
      const a = gamma / Math.sqrt(variance + eps);
      const centre = 2 * (Math.abs(mean) + offMean);
      const twice = 2 * (variance + eps);
      for (const end = i + inner; i < end; i++) {
        const value = x[i] as number;
        const t = (Math.abs(value - mean) + offMean) * a;
        const folded = u * (6.5 * t + (Math.abs(value) + centre) * a + 2 * beta);
        const fromStats = a * offMean + (t * offVariance) / twice;
        bound[i] = folded + fromStats + eta * (4 + Math.abs(value) + Math.abs(mean) + gamma);
      }
    }
  }
  return bound;
}

/**
 * O-2: ONNX Runtime's batch statistics. A sum over `inner` values in any order, then over `outer`, has an error of
 * (inner + outer) u times the sum of magnitudes, and the division rounds once more. The mean therefore has the error E
 * = (inner + outer + 1) u sum|x| / m. The variance is taken about that mean, which makes it E^2 too large, and has
 * (inner + outer + 5) u (variance + E^2) of roundings.
 */
export function runtimeMomentBounds(
  { u, eta }: bounds.Precision,
  x: Values,
  g: Geometry,
  stats: oracle.Stats,
): bounds.StatErrors {
  const m = g.outer * g.inner;
  const size = new Float64Array(g.channels);
  oracle.each(g, (i, c) => {
    size[c] = (size[c] as number) + Math.abs(x[i] as number);
  });
  const mean = size.map((sum) => ((g.inner + g.outer + 1) * u * sum) / m + eta);
  const variance = oracle.valuesOf(stats.variance).map((value, c) => {
    const e2 = (mean[c] as number) ** 2;
    return (g.inner + g.outer + 5) * u * (value + e2) + e2 + eta;
  });
  return { mean, variance };
}

/**
 * O-5: statistics from sums of x and of x^2, in any order, with n = inner * outer values. The mean has an error as in
 * O-2, E = (n + 1) u sum|x| / n. The variance is the difference of the mean square, with an error of (n + 2) u sum x^2
 * / n, and of mean^2, with an error of 2 |mean| E + E^2, each rounded once more.
 */
export function runtimeSquareBounds(
  { u, eta }: bounds.Precision,
  x: Values,
  g: Geometry,
  stats: oracle.Stats,
): bounds.StatErrors {
  const n = g.outer * g.inner;
  const [size, squares] = [new Float64Array(g.channels), new Float64Array(g.channels)];
  oracle.each(g, (i, c) => {
    const value = x[i] as number;
    size[c] = (size[c] as number) + Math.abs(value);
    squares[c] = (squares[c] as number) + value * value;
  });
  const mean = size.map((sum) => ((n + 1) * u * sum) / n + eta);
  const variance = oracle.valuesOf(stats.mean).map((value, c) => {
    const [e, square] = [mean[c] as number, (squares[c] as number) / n];
    const product = 2 * Math.abs(value) * e + e * e + u * value * value;
    return (n + 2) * u * square + product + 2 * u * (square + value * value) + eta;
  });
  return { mean, variance };
}

/** One step of an average: p * old + (1 - p) * batch. */
interface Step {
  readonly p: number;
  readonly old: Values;
  /** The batch's own values, with the errors of ONNX Runtime's and of ours; ours before the factor m / (m - 1). */
  readonly batch: Values;
  readonly theirs: Values;
  readonly ours: Values;
}

/**
 * O-3: running_mean and running_var of ONNX Runtime compared with our blobs / factor, converted to ONNX's terms: u (17
 * p |old| + 15 |batch|) + (1 - p) (both errors of the batch's value).
 *
 * Derivation: ONNX Runtime has 5 u p |old| (old rounded at export 2, p, product, sum) and 3 u |batch| ((1 - p),
 * product, sum). Our side has 3 u for each term in the sums and 3 u for the factor (N-8), which the division carries
 * over, and 6 u for undoing m / (m - 1).
 */
export function runningBound({ u, eta }: bounds.Precision, { p, old, batch, theirs, ours }: Step): Float64Array {
  return Float64Array.from(old, (value, c) => {
    const rounded = u * (17 * p * Math.abs(value) + 15 * Math.abs(batch[c] as number));
    return rounded + (1 - p) * ((theirs[c] as number) + (ours[c] as number)) + 8 * eta;
  });
}

/**
 * O-3, ONNX Runtime's part: one of its steps compared with exact arithmetic on the exported values, with p a float32: u
 * (3 p |old| + 3 |batch|) + (1 - p) (error of its batch's value). Derivation: p * old, 1 - p, its product and the sum
 * each round.
 */
export function runtimeStepBound(
  { u, eta }: bounds.Precision,
  { p, old, batch, theirs }: Omit<Step, "ours">,
): Float64Array {
  return Float64Array.from(old, (value, c) => {
    const rounded = u * 3 * (p * Math.abs(value) + Math.abs(batch[c] as number));
    return rounded + (1 - p) * (theirs[c] as number) + 4 * eta;
  });
}
