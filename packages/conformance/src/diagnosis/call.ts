import type { Dtype, Geometry, HostArray, Kernels } from "@bn/core";

/** The name of a kernel. */
export type KernelName = keyof Kernels<never>;

/** How a kernel uses a buffer: reads it, overwrites it, or adds into it. */
export type Use = "in" | "out" | "add";
/** The number of elements that the kernel uses: outer * channels * inner, channels, or one. */
export type Size = "tensor" | "channels" | "one";

/** The shape of an operand. */
export type Operand =
  | { readonly kind: "buffer"; readonly use: Use; readonly size: Size; readonly optional?: true }
  | { readonly kind: "number" }
  /** The geometry, or the number of elements for kernels that know no axes. */
  | { readonly kind: "geometry" }
  | { readonly kind: "length" }
  | { readonly kind: "fields"; readonly fields: Readonly<Record<string, Operand>>; readonly optional?: true };

const buffer = (use: Use, size: Size): Operand => ({ kind: "buffer", use, size });
const perhaps = (use: Use, size: Size): Operand => ({ kind: "buffer", use, size, optional: true });
const fields = (all: Readonly<Record<string, Operand>>): Operand => ({ kind: "fields", fields: all });
const optional = (all: Readonly<Record<string, Operand>>): Operand => ({ kind: "fields", fields: all, optional: true });
const NUMBER: Operand = { kind: "number" };
const GEOMETRY: Operand = { kind: "geometry" };
const LENGTH: Operand = { kind: "length" };
/** Tensors, and one value per channel. */
const [IN, OUT, VALUES] = [buffer("in", "tensor"), buffer("out", "tensor"), buffer("out", "channels")];

const moments = (use: Use) => fields({ mean: buffer(use, "channels"), variance: buffer(use, "channels") });
const affine = { gamma: buffer("in", "channels"), beta: perhaps("in", "channels") };
const grad = optional({ gamma: buffer("add", "channels"), beta: perhaps("add", "channels") });
const sums = (use: Use) => ({ dy: buffer(use, "channels"), dyXhat: buffer(use, "channels") });
const running = (use: Use) =>
  fields({ mean: buffer(use, "channels"), variance: buffer(use, "channels"), factor: buffer(use, "one") });
const average = { running: running("add"), fraction: NUMBER, correction: NUMBER };
/** The first operands of every kernel of the backward. */
const GIVEN = { dy: IN, x: IN, g: GEOMETRY, stats: moments("in"), eps: NUMBER };

/**
 * The operands of every kernel as data, in the order and with the names of `Kernels` of @bn/core. Tools that wrap, record
 * or repeat calls of kernels need it.
 *
 * @example
 * ```ts
 * import { SIGNATURES } from "@bn/conformance";
 * console.log(Object.keys(SIGNATURES.normalize).join(", ")); // x, g, stats, eps, affine, y
 * ```
 */
export const SIGNATURES: Readonly<Record<KernelName, Readonly<Record<string, Operand>>>> = {
  moments: { x: IN, g: GEOMETRY, out: moments("out") },
  splitMoments: { x: IN, g: GEOMETRY, out: fields({ mean: VALUES, meanLow: VALUES, m2: VALUES }) },
  normalize: { x: IN, g: GEOMETRY, stats: moments("in"), eps: NUMBER, affine: optional(affine), y: OUT },
  gradSums: { ...GIVEN, sums: fields(sums("out")), grad },
  gradNormalize: { ...GIVEN, affine: optional(affine), sums: optional(sums("in")), m: NUMBER, dx: OUT },
  forward: {
    x: IN,
    g: GEOMETRY,
    stats: moments("out"),
    average: optional(average),
    eps: NUMBER,
    affine: optional(affine),
    y: OUT,
  },
  backward: { ...GIVEN, affine: optional(affine), sums: fields(sums("out")), grad, m: NUMBER, dx: OUT },
  scale: { x: IN, g: GEOMETRY, affine: fields(affine), y: OUT },
  scaleSums: { dy: IN, x: IN, g: GEOMETRY, dGamma: perhaps("add", "channels"), dBeta: perhaps("add", "channels") },
  movingAverage: { channels: LENGTH, stats: moments("in"), average: fields(average) },
  globalStats: { channels: LENGTH, running: running("in"), stats: moments("out") },
  copy: { length: LENGTH, x: buffer("in", "channels"), y: VALUES },
  fill: { length: LENGTH, value: NUMBER, y: VALUES },
};

/** One operand that is a buffer, with its path: `x`, `stats.mean`, `average.running.factor`. */
export interface Leaf {
  readonly path: string;
  readonly use: Use;
  readonly size: Size;
}

/** One call of a kernel with all its operands and results, which is enough to repeat it and to judge it. */
export interface Call {
  readonly kernel: KernelName;
  readonly dtype: Dtype;
  /** For kernels that know no axes, this is one row of `channels`. */
  readonly g: Geometry;
  /** The contents of each buffer before the call, over its whole length. Absent operands are absent here. */
  readonly before: ReadonlyMap<string, HostArray>;
  readonly numbers: ReadonlyMap<string, number>;
  /** Whether an output is the same buffer as an input: y and x, or dx and dy. */
  readonly inPlace: boolean;
}

export interface Called extends Call {
  readonly after: ReadonlyMap<string, HostArray>;
  /** The error that the kernel threw, or that a read rejected with. */
  readonly error?: unknown;
}

/** For kernels that may run in place: the output and the operand that it may equal. */
export const IN_PLACE: Readonly<Partial<Record<KernelName, readonly [out: string, source: string]>>> = {
  normalize: ["y", "x"],
  forward: ["y", "x"],
  scale: ["y", "x"],
  gradNormalize: ["dx", "dy"],
  backward: ["dx", "dy"],
};

function leavesOf(operand: Operand, path: string): Leaf[] {
  if (operand.kind === "buffer") return [{ path, use: operand.use, size: operand.size }];
  if (operand.kind !== "fields") return [];
  return Object.entries(operand.fields).flatMap(([key, field]) => leavesOf(field, `${path}.${key}`));
}

export function sizeOf({ outer, channels, inner }: Geometry, size: Size): number {
  return size === "one" ? 1 : size === "channels" ? channels : outer * channels * inner;
}

/** The leaves that this call has, with the values that it got. */
export function givenLeaves(call: Call): Leaf[] {
  const leaves = Object.entries(SIGNATURES[call.kernel]).flatMap(([key, operand]) => leavesOf(operand, key));
  return leaves.filter(({ path }) => call.before.has(path));
}

/** The geometry of a leaf's elements, for positions in reports. */
export function geometryOf(g: Geometry, size: Size): Geometry {
  return size === "tensor" ? g : { outer: 1, channels: sizeOf(g, size), inner: 1 };
}

/** `normalize of [2][3][5] in float32, eps 0.001, with affine, affine.beta, in place`. */
export function callText(call: Call): string {
  const { kernel, dtype, g, before, numbers, inPlace } = call;
  const axes = "g" in SIGNATURES[kernel] ? `[${g.outer}][${g.channels}][${g.inner}]` : `${g.channels} elements`;
  const values = [...numbers].map(([path, value]) => `${path.split(".").at(-1)} ${value}`);
  const parts = optionalParts(kernel).filter((part) =>
    [...before.keys()].some((path) => path === part || path.startsWith(`${part}.`)),
  );
  const operands = parts.length > 0 ? [`with ${parts.join(", ")}`] : [];
  return [`${kernel} of ${axes} in ${dtype}`, ...values, ...operands, ...(inPlace ? ["in place"] : [])].join(", ");
}

/** The paths of operands that may be null. */
export function optionalParts(kernel: KernelName): string[] {
  const of = (operand: Operand, path: string): string[] => [
    ...("optional" in operand && operand.optional ? [path] : []),
    ...(operand.kind === "fields"
      ? Object.entries(operand.fields).flatMap(([key, field]) => of(field, `${path}.${key}`))
      : []),
  ];
  return Object.entries(SIGNATURES[kernel]).flatMap(([key, operand]) => of(operand, key));
}
