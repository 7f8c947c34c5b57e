import { type Operand as ContractOperand, IN_PLACE, SIGNATURES as KERNELS } from "@bn/conformance";
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
  readonly eps: number | undefined;
  readonly m: number | undefined;
  /** The positions of two operands that may be the same buffer. */
  readonly alias: readonly [number, number] | undefined;
}

type Found = Operand & { readonly output: boolean };

/** The buffers of an operand, without those of a single value. */
function buffersOf(operand: ContractOperand, path: string, at: Operand["at"], over: Operand["over"]): Found[] {
  if (operand.kind === "fields") {
    return Object.entries(operand.fields).flatMap(([key, field]) =>
      buffersOf(field, `${path}.${key}`, [...at, key], over),
    );
  }
  if (operand.kind !== "buffer" || operand.size === "one") return [];
  const name = path.replace(/^(stats|out|affine|average)\./, "");
  return [{ name, at, over: operand.size === "tensor" ? "tensor" : over, output: operand.use !== "in" }];
}

/** The contract as data. The running statistics of an average are read and written; as outputs they are restored. */
export const SIGNATURES: readonly Signature[] = Object.entries(KERNELS).flatMap(([name, operands]) => {
  const kernel = name as keyof typeof KERNELS;
  if (kernel === "splitMoments") return [];
  const keys = Object.keys(operands);
  const position = (key: string) => (keys.includes(key) ? keys.indexOf(key) : undefined);
  const over = keys[0] === "length" ? "length" : "channels";
  const found = Object.values(operands)
    .flatMap((operand, i) => buffersOf(operand, keys[i] as string, [i], over))
    .filter(({ name: one }) => one !== "beta" || !keys.includes("dy")); // gradients do not depend on beta
  const pair = IN_PLACE[kernel]?.toReversed().map((key) => keys.indexOf(key)) as [number, number] | undefined;
  const outputs = found.filter(({ output }) => output);
  return {
    kernel,
    size: keys.findIndex((key) => ["geometry", "length"].includes(operands[key]?.kind ?? "")),
    inputs: found.filter(({ output }) => !output),
    outputs: outputs.toSorted((a, b) => Number(b.over === "tensor") - Number(a.over === "tensor")),
    eps: position("eps"),
    m: position("m"),
    alias: pair,
  };
});

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
