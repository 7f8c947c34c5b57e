/**
 * Numbers in float64, each with a bound on the error of a float32 computation. It is a running error analysis to first
 * order; terms of second order are kept where they are at hand. Every formula of Caffe is written once with these
 * numbers, and gives value and bound.
 */
export interface Tensor {
  readonly shape: readonly number[];
  readonly value: Float64Array;
  readonly error: Float64Array;
}

/** Half the distance from 1 to the next float32, and the smallest float32 above 0. */
export const U = 2 ** -24;
export const ETA = 2 ** -149;

export function exactly(shape: readonly number[], value: ArrayLike<number>): Tensor {
  return { shape, value: Float64Array.from(value), error: new Float64Array(value.length) };
}

export function zeros(shape: readonly number[]): Tensor {
  const length = count(shape);
  return { shape, value: new Float64Array(length), error: new Float64Array(length) };
}

export function count(shape: readonly number[], from = 0, to = shape.length): number {
  return shape.slice(from, to).reduce((a, b) => a * b, 1);
}

/** One number and its bound. */
export interface Bounded {
  readonly v: number;
  readonly e: number;
}

export const exact = (v: number): Bounded => ({ v, e: 0 });
export const at = ({ value, error }: Tensor, i: number): Bounded => ({ v: value[i] as number, e: error[i] as number });
export const put = (t: Tensor, i: number, { v, e }: Bounded): void => {
  t.value[i] = v;
  t.error[i] = e;
};

/** Adds one rounding of a result. */
const rounded = (v: number, e: number): Bounded => ({ v, e: e + U * (Math.abs(v) + e) + ETA });

export const add = (a: Bounded, b: Bounded): Bounded => rounded(a.v + b.v, a.e + b.e);
export const sub = (a: Bounded, b: Bounded): Bounded => rounded(a.v - b.v, a.e + b.e);
export const mul = (a: Bounded, b: Bounded): Bounded =>
  rounded(a.v * b.v, Math.abs(a.v) * b.e + Math.abs(b.v) * a.e + a.e * b.e);
export const div = (a: Bounded, b: Bounded): Bounded => {
  const v = a.v / b.v;
  return rounded(v, (a.e + Math.abs(v) * b.e) / Math.max(Math.abs(b.v) - b.e, 0));
};
export const sqrt = (a: Bounded): Bounded => {
  const v = Math.sqrt(a.v);
  return rounded(v, a.e === 0 ? 0 : a.e / (v + Math.sqrt(Math.max(a.v - a.e, 0))));
};
export const max = (a: Bounded, b: Bounded): Bounded => ({ v: Math.max(a.v, b.v), e: Math.max(a.e, b.e) });

/** A sum in any order: each of n - 1 additions rounds a partial sum, which is at most the sum of magnitudes. */
export function sum(terms: readonly Bounded[]): Bounded {
  let [v, e, size] = [0, 0, 0];
  for (const term of terms) {
    v += term.v;
    e += term.e;
    size += Math.abs(term.v) + term.e;
  }
  return { v, e: e + U * Math.max(0, terms.length - 1) * size + ETA };
}

/**
 * An elementary function. `slope` bounds its derivative between a - e and a + e. `own` is its error for an exact
 * operand, relative to the result or, if `absolute`, to 1.
 */
export function apply(
  a: Bounded,
  f: (x: number) => number,
  slope: (x: number, e: number) => number,
  own: number,
  absolute = false,
): Bounded {
  const v = f(a.v);
  const through = a.e === 0 ? 0 : slope(a.v, a.e) * a.e;
  return { v, e: through + own * (absolute ? 1 : Math.abs(v) + through) + ETA };
}

/** e^x: its derivative is largest at the right end. */
export const exp = (a: Bounded): Bounded => apply(a, Math.exp, (x, e) => Math.exp(x + e), ACCURACY.exp);

/** ln x. Near 1 the result is small but its error is not, because the argument is rounded with an error of u. */
export const log = (a: Bounded): Bounded => apply(a, Math.log, (x, e) => 1 / Math.max(x - e, 0), ACCURACY.log);

/** x^p with an exact p. */
export const pow = (a: Bounded, p: number): Bounded => {
  const slope = (x: number, e: number) =>
    Math.abs(p) * Math.max(Math.abs(x - e) ** (p - 1), Math.abs(x + e) ** (p - 1));
  return apply(a, (x) => x ** p, slope, ACCURACY.pow);
};

/**
 * The errors of ONNX Runtime's own functions: twice what was measured with 1.30 (test/accuracy.test.ts repeats the
 * measurement). They are relative to the result, and for sigmoid and tanh to 1.
 */
export const ACCURACY = { exp: 3 * U, log: 5 * U, pow: 2 * U, sigmoid: 6 * U, tanh: 9 * U } as const;

export const sigmoid = (a: Bounded): Bounded =>
  apply(
    a,
    (x) => 1 / (1 + Math.exp(-x)),
    () => 0.25,
    ACCURACY.sigmoid,
    true,
  );
export const tanh = (a: Bounded): Bounded => apply(a, Math.tanh, () => 1, ACCURACY.tanh, true);
