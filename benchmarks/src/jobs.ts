import type { Dtype, Geometry } from "@bn/core";

export const OPS = ["global", "global+scale", "batch", "batch+scale", "backward", "backward+scale"] as const;
export type Op = (typeof OPS)[number];

/** What is timed: an operation on a tensor whose channels lie on `axis`. */
export interface Job {
  readonly op: Op;
  readonly shape: readonly number[];
  readonly axis: number;
  readonly dtype: Dtype;
}

/** The shapes of the table: ResNet's first and middle layers, a late one, 2-D, batch 1, channels-last, one long channel. */
export const SHAPES: readonly { readonly shape: readonly number[]; readonly axis: number }[] = [
  { shape: [32, 64, 56, 56], axis: 1 },
  { shape: [32, 256, 14, 14], axis: 1 },
  { shape: [8, 512, 7, 7], axis: 1 },
  { shape: [64, 128], axis: 1 },
  { shape: [1, 64, 56, 56], axis: 1 },
  { shape: [32, 56, 56, 64], axis: 3 },
  { shape: [1, 1, 2048, 2048], axis: 1 },
];

export function geometryOf({ shape, axis }: Pick<Job, "shape" | "axis">): Geometry {
  const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
  return {
    outer: product(shape.slice(0, axis)),
    channels: shape[axis] as number,
    inner: product(shape.slice(axis + 1)),
  };
}

/** The least that must move: x in and y out; backward reads dy too. */
export function bytesOf({ op, shape, dtype }: Job): number {
  const tensors = op.startsWith("backward") ? 3 : 2;
  return tensors * shape.reduce((a, b) => a * b, 1) * (dtype === "float32" ? 4 : 8);
}

export interface Inputs {
  readonly x: Float32Array | Float64Array;
  readonly dy: Float32Array | Float64Array;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  readonly gamma: Float64Array;
  readonly beta: Float64Array;
}

/** Seeded, the same for every implementation; per-channel values are float32 numbers, so that all read the same. */
export function inputsOf(job: Job): Inputs {
  const random = xorshift(0x9e3779b9);
  const count = job.shape.reduce((a, b) => a * b, 1);
  const { channels } = geometryOf(job);
  const values = job.dtype === "float32" ? () => new Float32Array(count) : () => new Float64Array(count);
  // A sum of four uniforms is normal enough for a benchmark, and quick for millions of values.
  const normal = () => (random() + random() + random() + random() - 2) * 1.732;
  const perChannel = (value: () => number) => Float64Array.from({ length: channels }, () => Math.fround(value()));
  return {
    x: values().map(normal),
    dy: values().map(normal),
    mean: perChannel(normal),
    variance: perChannel(() => 0.5 + random()),
    gamma: perChannel(() => 0.5 + random()),
    beta: perChannel(normal),
  };
}

function xorshift(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
