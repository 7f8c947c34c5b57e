/**
 * The right results of layers, in plain float64, with the bounds of docs/spec.md (N-1 to N-8) and without any code of
 * core. The geometry is [outer][channels][inner]. `u` is the unit roundoff of the dtype. For float64 the reference has
 * an error of the same size, so the bound is doubled.
 */
export interface Grid {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}
export interface Precision {
  readonly u: number;
  readonly exact: boolean;
}
export interface Expected {
  readonly values: Float64Array;
  readonly bounds: Float64Array;
}
type Values = ArrayLike<number>;

/** The largest float32. A truth beyond it is infinite in float32. */
const MOST = 2 ** 128 * (1 - 2 ** -24);

/** The smallest normal number of float32, which is the largest error of a value that underflows. */
const ETA = 2 ** -126;

/** Statistics per channel, with their errors. */
export interface Stats {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  readonly meanError: Float64Array;
  readonly varianceError: Float64Array;
}

function visit({ outer, channels, inner }: Grid, use: (k: number, c: number) => void): void {
  let k = 0;
  for (let o = 0; o < outer; o++) for (let c = 0; c < channels; c++) for (let i = 0; i < inner; i++) use(k++, c);
}

function sum(g: Grid, term: (k: number, c: number) => number): Float64Array {
  const total = new Float64Array(g.channels);
  const lost = new Float64Array(g.channels);
  visit(g, (k, c) => {
    const [t, s] = [term(k, c), total[c]!];
    const next = s + t;
    lost[c]! += Math.abs(s) >= Math.abs(t) ? s - next + t : t - next + s;
    total[c] = next;
  });
  return total.map((s, c) => s + lost[c]!);
}

/** S of N-1. */
const sumError = (g: Grid, u: number) => (40 + Math.log2(Math.max(1, g.outer * g.inner))) * u;
const K = (p: Precision) => (p.exact ? (p.u > 1e-10 ? 4 : 7) : 8.5);

/** The statistics of BN-5, with the bounds of N-2. */
export function batchStats(x: Values, g: Grid, { u }: Precision): Stats {
  const m = g.outer * g.inner;
  const mean = sum(g, (k) => x[k]!).map((s) => s / m);
  const variance = sum(g, (k, c) => (x[k]! - mean[c]!) ** 2).map((s) => s / m);
  const most = new Float64Array(g.channels);
  visit(g, (k, c) => {
    most[c] = Math.max(most[c]!, Math.abs(x[k]! - mean[c]!));
  });
  const S = sumError(g, u);
  const meanError = mean.map((mu, c) => u * Math.abs(mu) + (2 * S + 3 * u) * most[c]!);
  const varianceError = variance.map((v, c) => (S + 4 * u) * (Math.sqrt(v) + 2 * meanError[c]!) ** 2);
  return { mean, variance, meanError, varianceError };
}

/** The statistics of BN-6, with the bounds of N-8. */
export function storedStats(mean: Values, variance: Values, factor: number, { u }: Precision): Stats {
  const over = (sums: Values) => Float64Array.from(sums, (s) => (factor === 0 ? 0 : s / factor));
  const error = (values: Float64Array) => values.map((v) => 6 * u * Math.abs(v));
  const stats = { mean: over(mean), variance: over(variance) };
  return { ...stats, meanError: error(stats.mean), varianceError: error(stats.variance) };
}

/** BS-1, with the bounds of N-3 and N-4. Without gamma and beta, they are 1 and 0. */
export function normalized(
  x: Values,
  g: Grid,
  s: Stats,
  eps: number,
  gamma: Values,
  beta: Values,
  p: Precision,
): Expected {
  const values = new Float64Array(x.length);
  const bounds = new Float64Array(x.length);
  visit(g, (k, c) => {
    const wide = s.variance[c]! + eps;
    const a = gamma[c]! / Math.sqrt(wide);
    const t = (x[k]! - s.mean[c]!) * a;
    values[k] = t + beta[c]!;
    const own = K(p) * p.u * Math.abs(t) + p.u * Math.abs(beta[c]!);
    bounds[k] = own + Math.abs(a) * s.meanError[c]! + (Math.abs(t) * s.varianceError[c]!) / (2 * wide) + ETA;
  });
  return { values, bounds };
}

/** BN-10, BN-11 and BS-2, with the bounds of N-5 and N-6. */
export function gradients(
  dy: Values,
  x: Values,
  g: Grid,
  s: Stats,
  eps: number,
  gamma: Values,
  batch: boolean,
  p: Precision,
) {
  const { u } = p;
  const S = sumError(g, u);
  const m = g.outer * g.inner;
  const wide = s.variance.map((v) => v + eps);
  const r = wide.map((v) => 1 / Math.sqrt(v));
  const xhat = (k: number, c: number) => (x[k]! - s.mean[c]!) * r[c]!;
  const sumDy = sum(g, (k) => dy[k]!);
  const sumDyXhat = sum(g, (k, c) => dy[k]! * xhat(k, c));
  const absDy = sum(g, (k) => Math.abs(dy[k]!));
  const absDyXhat = sum(g, (k, c) => Math.abs(dy[k]! * xhat(k, c)));
  const errorDy = absDy.map((a, c) => S * a + u * Math.abs(sumDy[c]!));
  const errorDyXhat = absDyXhat.map(
    (a, c) =>
      (S + 4 * u) * a +
      r[c]! * s.meanError[c]! * absDy[c]! +
      (s.varianceError[c]! / (2 * wide[c]!)) * Math.abs(sumDyXhat[c]!),
  );
  const values = new Float64Array(dy.length);
  const bounds = new Float64Array(dy.length);
  visit(g, (k, c) => {
    const scale = Math.abs(gamma[c]! * r[c]!);
    // BN-11: with stored statistics x is not used, not even an infinite one.
    const [a, b] = batch ? [sumDy[c]! / m, sumDyXhat[c]! / m] : [0, 0];
    const through = batch ? xhat(k, c) * b : 0;
    values[k] = gamma[c]! * r[c]! * (dy[k]! - a - through);
    const terms = Math.abs(dy[k]!) + Math.abs(a) + 3 * Math.abs(through);
    const sums = batch ? (errorDy[c]! + Math.abs(xhat(k, c)) * errorDyXhat[c]!) / m : 0;
    const stats = Math.abs(b) * r[c]! * s.meanError[c]! + (s.varianceError[c]! / (2 * wide[c]!)) * terms;
    bounds[k] = scale * ((K(p) + 6) * u * terms + sums + stats) + ETA;
  });
  return {
    dx: { values, bounds },
    gamma: { values: sumDyXhat, bounds: errorDyXhat.map((e) => e + ETA) },
    beta: { values: sumDy, bounds: errorDy.map((e) => e + ETA) },
  };
}

/** S-1 and S-6, with the bounds of N-8 and N-5: y = x gamma + beta, dscale, dbias. */
export function scaled(x: Values, g: Grid, gamma: Values, beta: Values, { u }: Precision): Expected {
  const values = new Float64Array(x.length);
  const bounds = new Float64Array(x.length);
  visit(g, (k, c) => {
    values[k] = x[k]! * gamma[c]! + beta[c]!;
    bounds[k] = u * (2 * Math.abs(x[k]! * gamma[c]!) + Math.abs(beta[c]!)) + ETA;
  });
  return { values, bounds };
}

export function scaleSums(
  dy: Values,
  x: Values,
  g: Grid,
  { u }: Precision,
): { readonly gamma: Expected; readonly beta: Expected } {
  const S = sumError(g, u);
  const of = (term: (k: number) => number): Expected => {
    const values = sum(g, term);
    const most = sum(g, (k) => Math.abs(term(k)));
    return { values, bounds: most.map((a) => (S + 4 * u) * a + ETA) };
  };
  return { gamma: of((k) => dy[k]! * x[k]!), beta: of((k) => dy[k]!) };
}

/** BN-7, with the bounds of N-8. */
export function averaged(
  old: Values,
  value: Values,
  error: Values,
  fraction: number,
  correction: number,
  u: number,
): Expected {
  const values = Float64Array.from(old, (v, c) => fraction * v + correction * value[c]!);
  const bounds = values.map(
    (_, c) => 3 * u * (Math.abs(fraction * old[c]!) + Math.abs(correction * value[c]!)) + correction * error[c]! + ETA,
  );
  return { values, bounds };
}

/** Describes where `got` is out of bounds, or returns null. */
export function misfit(what: string, got: Values, { values, bounds }: Expected, twice: boolean): string | null {
  if (got.length !== values.length) return `${what} has ${got.length} values, expected ${values.length}`;
  for (let k = 0; k < values.length; k++) {
    const [a, b] = [got[k]!, values[k]!];
    if (!twice && Math.abs(b) + bounds[k]! > MOST && a === Math.sign(b) * Number.POSITIVE_INFINITY) continue;
    if (Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    if (!(Math.abs(a - b) <= (twice ? 2 : 1) * bounds[k]!))
      return `${what}[${k}] is ${a}, expected ${b} within ${bounds[k]}`;
  }
  return null;
}
