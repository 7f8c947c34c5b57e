import type { Backend, Dtype, Geometry } from "@bn/core";
import type { CpuBuffer } from "../src/index.ts";

/** Unit roundoff, as defined in docs/spec.md. */
export const UNIT: Record<Dtype, number> = { float32: 2 ** -24, float64: 2 ** -53 };

export const DTYPES: readonly Dtype[] = ["float32", "float64"];

/** A buffer with `values` in it. */
export function bufferOf(
  cpu: Backend<CpuBuffer>,
  dtype: Dtype,
  length: number,
  value: (i: number) => number,
): CpuBuffer {
  const buffer = cpu.alloc(dtype, length);
  const { view } = buffer;
  for (let i = 0; i < length; i++) view[i] = value(i);
  return buffer;
}

/** Normally distributed numbers from a fixed seed. */
export function normals(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** The indices of a channel's values. */
export function indicesOf({ outer, channels, inner }: Geometry, channel: number): number[] {
  const indices: number[] = [];
  for (let row = 0; row < outer; row++) {
    for (let i = 0; i < inner; i++) indices.push((row * channels + channel) * inner + i);
  }
  return indices;
}

/**
 * A sum in twice float64's precision, by two-sum (Knuth). It is exact except for about 2^-104 of the sum of magnitudes,
 * so it can judge float64 too.
 */
export function exactSum(terms: Iterable<number>): number {
  let high = 0;
  let low = 0;
  for (const term of terms) {
    const sum = high + term;
    const back = sum - high;
    low += high - (sum - back) + (term - back);
    high = sum;
  }
  return high + low;
}
