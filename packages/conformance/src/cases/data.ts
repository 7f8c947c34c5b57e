import type { Dtype, Geometry, HostArray } from "@bn/core";
import type { Needs } from "../case.ts";
import { each } from "../truth/oracle.ts";
import { type Random, random } from "./random.ts";

export const DTYPES: readonly Dtype[] = ["float32", "float64"];

export function hostArray(dtype: Dtype, values: number | ArrayLike<number>): HostArray {
  const HostType = dtype === "float32" ? Float32Array : Float64Array;
  if (typeof values === "number") return new HostType(values);
  const array = new HostType(values.length);
  array.set(values);
  return array;
}

/** One kind of input: a row of the table of distributions. */
export interface Distribution {
  readonly name: string;
  readonly needs: Needs;
  readonly eps: number;
  /** `n` counts the values of the channel from 0. */
  value(r: Random, c: number, n: number, dtype: Dtype): number;
}

const powers = (float32: number, float64: number) => (dtype: Dtype) => 2 ** (dtype === "float32" ? float32 : float64);
/** The square of a deviation is subnormal. */
const tiny = powers(-65, -515);
/** The square of the mean overflows, but the square of a deviation does not. */
const hugeMean = powers(70, 530);
const hugeMeanStd = powers(55, 500);
/** The square of a deviation overflows: the variance is infinite, y and dx are 0. */
const huge = powers(66, 515);
const subnormal = powers(-135, -1040);

const offset = (ratio: number): Distribution["value"] => {
  return (r, c) => ratio * (1 + c / 8) * (c % 2 === 0 ? 1 : -1) + r.normal();
};

/** Channel 1 holds one such value, which must not affect the other channels (BN-12). */
const poisoned = (value: number, at = 2): Distribution["value"] => {
  return (r, c, n) => (c === 1 && n === at ? value : r.normal());
};

const EPS = 1e-5;

export const DISTRIBUTIONS: readonly Distribution[] = [
  { name: "normal", needs: {}, eps: EPS, value: (r) => r.normal() },
  { name: "offset-1e3", needs: {}, eps: EPS, value: offset(1e3) },
  { name: "offset-1e4", needs: {}, eps: EPS, value: offset(1e4) },
  { name: "offset-1e6", needs: {}, eps: EPS, value: offset(1e6) },
  { name: "constant-0", needs: {}, eps: EPS, value: () => 0 },
  { name: "constant-3.7", needs: {}, eps: EPS, value: () => 3.7 },
  { name: "mixed", needs: {}, eps: EPS, value: (r, c) => 10 ** (c - 2) * (c * c + r.normal()) },
  { name: "outlier-first", needs: {}, eps: EPS, value: (r, _, n) => (n === 0 ? 1e4 : r.normal()) },
  { name: "large-eps", needs: {}, eps: 0.5, value: (r) => 0.1 * r.normal() },
  { name: "huge-mean", needs: {}, eps: EPS, value: (r, _, __, t) => hugeMean(t) + hugeMeanStd(t) * r.normal() },
  { name: "huge", needs: { nonFinite: true }, eps: EPS, value: (r, _, __, t) => huge(t) * r.normal() },
  { name: "tiny", needs: { subnormals: true }, eps: 0, value: (r, _, __, t) => tiny(t) * r.normal() },
  { name: "subnormal", needs: { subnormals: true }, eps: EPS, value: (r, _, __, t) => subnormal(t) * r.normal() },
  { name: "nan", needs: { nonFinite: true }, eps: EPS, value: poisoned(Number.NaN) },
  { name: "infinity", needs: { nonFinite: true }, eps: EPS, value: poisoned(Number.POSITIVE_INFINITY) },
  // A shift by the channel's first value turns every difference into NaN.
  { name: "infinity-first", needs: { nonFinite: true }, eps: EPS, value: poisoned(Number.POSITIVE_INFINITY, 0) },
  { name: "minus-infinity", needs: { nonFinite: true }, eps: EPS, value: poisoned(Number.NEGATIVE_INFINITY) },
];

export const NORMAL = DISTRIBUTIONS[0] as Distribution;
export const OFFSET = DISTRIBUTIONS[1] as Distribution;
/** A mean rounded to float32 is off by several percent of the deviation. */
export const FAR = DISTRIBUTIONS[3] as Distribution;

/** Values of `distribution` in the dtype. They depend only on the text of the seed. */
export function sample(seed: string, { value }: Distribution, g: Geometry, dtype: Dtype): HostArray {
  const r = random(seed);
  const values = hostArray(dtype, g.outer * g.channels * g.inner);
  const seen = new Int32Array(g.channels);
  each(g, (i, c) => {
    const n = seen[c] as number;
    seen[c] = n + 1;
    values[i] = value(r, c, n, dtype);
  });
  return values;
}

/** Standard normal numbers, used as gradients. */
export function normals(seed: string, length: number, dtype: Dtype): HostArray {
  return sample(seed, NORMAL, { outer: length, channels: 1, inner: 1 }, dtype);
}

/** Factors of 0.5 to 2 in magnitude, of either sign as gammas, or all positive as variances. */
export function factors(seed: string, length: number, dtype: Dtype, positive = false): HostArray {
  const r = random(seed);
  const values = hostArray(dtype, length);
  for (let i = 0; i < length; i++) values[i] = (0.5 + 1.5 * r.uniform()) * (positive || r.uniform() < 0.7 ? 1 : -1);
  return values;
}
