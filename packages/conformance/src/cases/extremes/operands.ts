import type { Dtype, Geometry } from "@bn/core";
import { scaleBy } from "../../truth/scale-by.ts";
import { random } from "../random.ts";
import type { Magnitude } from "./magnitudes.ts";

/** Ordinary operands with 9 fractional bits, so that few powers of two cost them bits. `eps` is a power of two too. */
export interface Ordinary {
  readonly x: Float64Array;
  readonly dy: Float64Array;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  readonly gamma: Float64Array;
  readonly beta: Float64Array;
  readonly sumDy: Float64Array;
  readonly sumDyXhat: Float64Array;
}

export const ORDINARY_EPS = 2 ** -7;

export function ordinaryOperands(seed: string, g: Geometry, { apart, sameSign }: Magnitude): Ordinary {
  const { outer, channels, inner } = g;
  const r = random(seed);
  const wide = () => (r.uniform() < 0.5 ? -1 : 1) * (5 + r.uniform() / 2);
  const of = (length: number, value: (i: number) => number) =>
    Float64Array.from({ length }, (_, i) => Math.round(value(i) * 512) / 512);
  const count = outer * channels * inner;
  // Large terms of opposite sign are adjacent in every order of walking a tensor, so that they meet in any lane before
  // they cancel.
  const dy = of(count, () => 0.5 + Math.abs(r.normal()));
  for (let i = 0; i < count && !sameSign; i++) {
    const [row, k] = [Math.floor(i / (channels * inner)), i % inner];
    if ((row + k) % 2 === 1) dy[i] = -(dy[i] as number);
  }
  return {
    x: of(count, apart ? wide : r.normal),
    dy,
    mean: of(channels, apart ? wide : r.normal),
    variance: of(channels, () => 0.5 + r.uniform()),
    gamma: of(channels, (c) => (c % 2 === 0 ? 1 : -1) * (0.5 + r.uniform())),
    beta: of(channels, () => r.normal()),
    sumDy: of(channels, () => 2 * r.normal()),
    sumDyXhat: of(channels, () => 2 * r.normal()),
  };
}

/** The ordinary operands times their powers of two. An operand is null if the dtype does not hold it exactly. */
export type Extreme = { readonly [K in keyof Ordinary]: Float64Array | null } & { readonly eps: number };

export function extremeOperands(of: Ordinary, by: Magnitude, dtype: Dtype): Extreme {
  const times = (values: Float64Array, e: number) => {
    const scaled = values.map((value) => scaleBy(value, e));
    const kept = dtype === "float32" ? scaled.map(Math.fround) : scaled;
    return kept.every((value, i) => Number.isFinite(value) && scaleBy(value, -e) === values[i]) ? kept : null;
  };
  const std = by.x - by.xhat;
  return {
    x: times(of.x, by.x),
    dy: times(of.dy, by.dy),
    mean: times(of.mean, by.x),
    variance: times(of.variance, 2 * std),
    gamma: times(of.gamma, by.gamma),
    beta: times(of.beta, by.gamma + by.xhat),
    sumDy: times(of.sumDy, by.dy),
    sumDyXhat: times(of.sumDyXhat, by.dy - by.xhat),
    eps: scaleBy(ORDINARY_EPS, 2 * std),
  };
}
