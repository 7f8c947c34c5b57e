import type { Dtype, Geometry } from "@bn/core";

export const OPS = ["global", "global+scale", "batch", "batch+scale", "backward", "backward+scale"] as const;
export type Op = (typeof OPS)[number];

/**
 * Kernels that can be timed alone. The last ones are two kernels in turn, which a fused kernel must not be slower than.
 */
export const KERNELS = [
  "moments",
  "normalize",
  "moments+normalize",
  "forward",
  "gradSums",
  "gradNormalize",
  "gradSums+gradNormalize",
  "backward",
] as const;
export type Kernel = (typeof KERNELS)[number];

/** Kernels without a sum over a channel. */
const MAPS: readonly Kernel[] = ["normalize", "gradNormalize"];

export function isMap(kernel: Kernel): boolean {
  return MAPS.includes(kernel);
}

export type Operation = Op | `kernel ${Kernel}`;

export function isKernel(op: Operation): op is `kernel ${Kernel}` {
  return op.startsWith("kernel ");
}

/** The kernel that a job names. */
export function kernelOf({ op }: Pick<Job, "op">): Kernel {
  const kernel = KERNELS.find((name) => op === `kernel ${name}`);
  if (kernel === undefined) throw new RangeError(`${op} is not a kernel`);
  return kernel;
}

/** A job to time: an operation on a tensor whose channels are on `axis`. */
export interface Job {
  readonly op: Operation;
  readonly shape: readonly number[];
  readonly axis: number;
  readonly dtype: Dtype;
}

/**
 * The shapes of the table: ResNet's first and middle layers, a late one, 2-D, batch 1, channels-last, and one long
 * channel.
 */
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

/** The geometries for kernels: long rows, ResNet's layers, a late one, channels-last, and 2-D. */
export const GEOMETRIES: readonly (readonly number[])[] = [
  [1, 16, 25088],
  [32, 64, 3136],
  [32, 256, 196],
  [8, 512, 49],
  [4096, 64, 1],
  [64, 128, 1],
  [25088, 256, 1],
  [100352, 64, 1],
  [512, 1024, 1],
];

/** The number of tensors that a kernel must read or write. */
const TENSORS: Readonly<Record<Kernel, number>> = {
  moments: 1,
  normalize: 2,
  "moments+normalize": 2,
  forward: 2,
  gradSums: 2,
  gradNormalize: 3,
  "gradSums+gradNormalize": 3,
  backward: 3,
};

/** The number of tensors that a kernel reads and writes if none stays in a cache. A fused kernel reads its operands twice. */
export const TRAFFIC: Readonly<Record<Kernel, number>> = {
  ...TENSORS,
  "moments+normalize": 3,
  forward: 3,
  "gradSums+gradNormalize": 5,
  backward: 5,
};
/** A copy reads one tensor and writes one. */
export const TRAFFIC_OF_COPY = 2;

/** The least number of bytes that must move: x is read and y written; backward also reads dy. */
export function bytesOf(job: Job): number {
  const { op, shape, dtype } = job;
  const tensors = isKernel(op) ? TENSORS[kernelOf(job)] : op.startsWith("backward") ? 3 : 2;
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

/**
 * Generates inputs from a seed, the same for every implementation. Per-channel values are float32 numbers, so that all
 * implementations read the same.
 */
export function inputsOf(job: Job): Inputs {
  const { channels } = geometryOf(job);
  const random = xorshift(0x2545f491);
  const perChannel = (value: () => number) => Float64Array.from({ length: channels }, () => Math.fround(value()));
  return {
    ...tensorsOf(job),
    mean: perChannel(() => normal(random)),
    variance: perChannel(() => 0.5 + random()),
    gamma: perChannel(() => 0.5 + random()),
    beta: perChannel(() => normal(random)),
  };
}

/**
 * The tensors that were made last. The next kernel on the same shape, and on one row with as many elements, uses the
 * same.
 */
let last: Pick<Inputs, "x" | "dy"> | null = null;

function tensorsOf({ shape, dtype }: Job): Pick<Inputs, "x" | "dy"> {
  const count = shape.reduce((a, b) => a * b, 1);
  const HostType = dtype === "float32" ? Float32Array : Float64Array;
  if (last?.x.length !== count || !(last.x instanceof HostType)) {
    const random = xorshift(0x9e3779b9);
    const make = () => new HostType(count).map(() => normal(random));
    last = { x: make(), dy: make() };
  }
  return last;
}

/** A sum of four uniform numbers is normal enough for a benchmark, and fast for millions of values. */
function normal(random: () => number): number {
  return (random() + random() + random() + random() - 2) * 1.732;
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
