import type { Dtype, Geometry } from "@bn/core";

/** True values in float64, and how far an implementation may be from them. */
export interface Tracked {
  readonly value: Float64Array;
  readonly error: Float64Array;
}

/** A layer of the replay. A backward continues the last forward. */
export interface ReplayLayer {
  readonly blobs: readonly Tracked[];
  forward(bottom: readonly Tracked[], g: Geometry): Tracked;
  backward(dy: Tracked): readonly Tracked[];
  /** Diffs of learnt blobs since the last clear. */
  readonly blobDiffs: readonly Tracked[];
  clearParamDiffs(): void;
}

export function exact(data: ArrayLike<number>): Tracked {
  return { value: Float64Array.from(data), error: new Float64Array(data.length) };
}

export function zeros(length: number): Tracked {
  return { value: new Float64Array(length), error: new Float64Array(length) };
}

/** A value beyond the dtype's range is infinite in it. */
export function saturate(dtype: Dtype, value: number): number {
  return dtype === "float32" && Math.abs(Math.fround(value)) === Number.POSITIVE_INFINITY ? Math.fround(value) : value;
}

export function saturated(dtype: Dtype, values: Float64Array): Float64Array {
  return values.map((value) => saturate(dtype, value));
}
