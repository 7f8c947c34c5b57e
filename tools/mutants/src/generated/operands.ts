import type { HostBuffer, Kernels } from "@bn/core";

export type HostKernels = Kernels<HostBuffer>;
type KernelName = Exclude<keyof HostKernels, "splitMoments">;
export type Args = readonly unknown[];

/** The position of an operand in a kernel's arguments and, in a record, its key. */
export interface Operand {
  readonly name: string;
  readonly at: readonly [number, ...string[]];
  /** Whether it has one value per element of the tensor, or one per channel. */
  readonly over: "tensor" | "channels" | "length";
}

export interface Signature {
  readonly kernel: KernelName;
  /** The position of the geometry, or of the number of channels or elements. */
  readonly size: number;
  readonly inputs: readonly Operand[];
  readonly outputs: readonly Operand[];
  readonly eps?: number;
  readonly m?: number;
  /** The positions of two operands that may be the same buffer. */
  readonly alias?: readonly [number, number];
}

const tensor = (name: string, at: number): Operand => ({ name, at: [at], over: "tensor" });
const channel = (name: string, at: number, ...keys: string[]): Operand => ({
  name,
  at: [at, ...keys],
  over: "channels",
});
const stats = (at: number) => [channel("mean", at, "mean"), channel("variance", at, "variance")];
const affine = (at: number) => [channel("gamma", at, "gamma"), channel("beta", at, "beta")];
const sums = (at: number) => [channel("sums.dy", at, "dy"), channel("sums.dyXhat", at, "dyXhat")];
const grad = (at: number) => [channel("grad.gamma", at, "gamma"), channel("grad.beta", at, "beta")];
const running = (at: number) => [
  channel("running.mean", at, "running", "mean"),
  channel("running.variance", at, "running", "variance"),
];

/** The contract as data. The running statistics of an average are read and written; as outputs they are restored. */
export const SIGNATURES: readonly Signature[] = [
  { kernel: "moments", size: 1, inputs: [tensor("x", 0)], outputs: stats(2) },
  {
    kernel: "normalize",
    size: 1,
    inputs: [tensor("x", 0), ...stats(2), ...affine(4)],
    outputs: [tensor("y", 5)],
    eps: 3,
    alias: [0, 5],
  },
  {
    kernel: "gradSums",
    size: 2,
    inputs: [tensor("dy", 0), tensor("x", 1), ...stats(3)],
    outputs: [...sums(5), ...grad(6)],
    eps: 4,
  },
  {
    kernel: "gradNormalize",
    size: 2,
    inputs: [tensor("dy", 0), tensor("x", 1), ...stats(3), channel("gamma", 5, "gamma"), ...sums(6)],
    outputs: [tensor("dx", 8)],
    eps: 4,
    m: 7,
    alias: [0, 8],
  },
  {
    kernel: "forward",
    size: 1,
    inputs: [tensor("x", 0), ...affine(5)],
    outputs: [tensor("y", 6), ...stats(2), ...running(3)],
    eps: 4,
    alias: [0, 6],
  },
  {
    kernel: "backward",
    size: 2,
    inputs: [tensor("dy", 0), tensor("x", 1), ...stats(3), channel("gamma", 5, "gamma")],
    outputs: [tensor("dx", 9), ...sums(6), ...grad(7)],
    eps: 4,
    m: 8,
    alias: [0, 9],
  },
  { kernel: "scale", size: 1, inputs: [tensor("x", 0), ...affine(2)], outputs: [tensor("y", 3)], alias: [0, 3] },
  {
    kernel: "scaleSums",
    size: 2,
    inputs: [tensor("dy", 0), tensor("x", 1)],
    outputs: [channel("dGamma", 3), channel("dBeta", 4)],
  },
  { kernel: "movingAverage", size: 0, inputs: stats(1), outputs: running(2) },
  {
    kernel: "globalStats",
    size: 0,
    inputs: running(1).map(({ name, at }) => channel(name, 1, at[2] ?? "")),
    outputs: stats(2),
  },
  {
    kernel: "copy",
    size: 0,
    inputs: [{ ...tensor("x", 1), over: "length" }],
    outputs: [{ ...tensor("y", 2), over: "length" }],
  },
  { kernel: "fill", size: 0, inputs: [], outputs: [{ ...tensor("y", 2), over: "length" }] },
];

type Records = { readonly [key: string]: Records | null } | HostBuffer | null;

/** The buffer of an operand in a call, or null if it is absent. */
export function bufferOf(args: Args, { at: [first, ...keys] }: Operand): HostBuffer | null {
  let value = args[first] as Records;
  for (const key of keys) value = value === null ? null : ((value as { readonly [key: string]: Records })[key] ?? null);
  return value as HostBuffer | null;
}

/** The same call with another buffer for one operand. */
export function withBuffer(args: Args, { at: [first, ...keys] }: Operand, buffer: HostBuffer | null): unknown[] {
  const replaced = (value: unknown, path: readonly string[]): unknown => {
    const [key, ...rest] = path;
    return key === undefined
      ? buffer
      : { ...(value as object), [key]: replaced((value as Record<string, unknown>)[key], rest) };
  };
  return args.map((value, i) => (i === first ? replaced(value, keys) : value));
}

/** [outer, channels, inner] in the layout of an operand's elements. */
export function extentOf(args: Args, { size }: Signature, { over }: Operand): readonly [number, number, number] {
  const given = args[size];
  if (typeof given === "number") return over === "length" ? [1, 1, given] : [1, given, 1];
  const { outer, channels, inner } = given as { outer: number; channels: number; inner: number };
  return over === "channels" ? [1, channels, 1] : [outer, channels, inner];
}
