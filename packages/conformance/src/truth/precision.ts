import type { Dtype, Supports } from "@bn/core";

/** The properties of an arithmetic that the bounds depend on. */
export interface Precision {
  readonly dtype: Dtype;
  readonly u: number;
  /** The constant of N-3. */
  readonly k: number;
  /** Whether a step of the moving average rounds once, because it is computed in a wider type (N-8). */
  readonly once: boolean;
  /** The roundings of a division: 1, or 5 for WGSL's division (2.5 ulp). */
  readonly division: number;
  /** The smallest positive number that the backend keeps. */
  readonly eta: number;
  /**
   * Whether sums are computed as in Caffe: over space, then over the batch, one term after the other. G-2 then replaces
   * N-1 and N-2.
   */
  readonly plainSums?: true;
}

export function precisionOf(dtype: Dtype, { correctlyRounded, subnormals }: Supports): Precision {
  const float32 = dtype === "float32";
  const [u, smallest, normal] = float32 ? [2 ** -24, 2 ** -149, 2 ** -126] : [2 ** -53, 2 ** -1074, 2 ** -1022];
  const k = correctlyRounded ? (float32 ? 4 : 7) : 8.5;
  const once = float32 && correctlyRounded;
  return { dtype, u, k, once, division: correctlyRounded ? 1 : 5, eta: subnormals ? smallest : normal };
}

const IEEE = { correctlyRounded: true, subnormals: true } as Supports;

/** G-2: Caffe's maps subtract, take the root of variance + eps and divide, with 1, 1.5 and 1 roundings. */
export function caffePrecision(dtype: Dtype): Precision {
  return { ...precisionOf(dtype, IEEE), k: 4, plainSums: true };
}
