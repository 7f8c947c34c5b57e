import type { Backend, DeviceBuffer, Geometry, HostBuffer, Kernels } from "@bn/core";
import {
  CONDITIONS,
  type Condition,
  EFFECTS,
  type Effect,
  PICKS,
  type Pick,
  THRESHOLDS,
  TILES,
  VALUE_FAULTS,
} from "./faults.ts";
import { type Args, bufferOf, extentOf, type Operand, SIGNATURES, type Signature, withBuffer } from "./operands.ts";

/** One planted mistake, as data and as a wrapper of kernels. */
export interface Mutant<B extends DeviceBuffer = HostBuffer> {
  readonly id: string;
  /** The name of the mistake without its place, by which the report counts. */
  readonly kind: string;
  readonly kernel: string;
  /** The cases to try first: a dimension, and a size that it must exceed. */
  readonly hint: { readonly dimension: string; readonly above: number };
  /** The dtype in which it shows. */
  readonly dtype: "float32" | "float64" | null;
  plant(backend: Backend<B>): Kernels<B>;
}

const DIMENSIONS = ["outer", "channels", "inner"] as const;
type Call = (...args: unknown[]) => void;

/**
 * All mutants in a fixed order: kernel x operand x dimension x way to select x effect, with sizes and conditions in
 * turn.
 */
export function generate(): Mutant[] {
  const all: Mutant[] = [];
  let turn = 0;
  for (const signature of SIGNATURES) {
    for (const role of ["inputs", "outputs"] as const) {
      for (const operand of signature[role]) {
        for (const [d, dimension] of DIMENSIONS.entries()) {
          if (!spans(operand, d)) continue;
          for (const pick of PICKS) {
            for (const effect of EFFECTS) {
              turn++;
              if (signature.kernel === "fill" && effect === "the neighbour's") continue; // it is the same mistake
              const size = sizeFor(pick, turn);
              const condition = conditionFor(signature, turn);
              all.push(elementFault(signature, operand, role, d, dimension, pick, effect, size, condition));
            }
          }
        }
      }
    }
    all.push(...valueFaults(signature), ...numberFaults(signature));
  }
  return [...new Map(all.map((mutant) => [mutant.id, mutant])).values()];
}

function spans({ over }: Operand, d: number): boolean {
  return over === "tensor" || (over === "channels" ? d === 1 : d === 2);
}

function sizeFor(pick: Pick, turn: number): number {
  const sizes = pick.name.includes("last ") && !pick.name.includes("beyond") ? TILES : THRESHOLDS;
  return sizes[(turn * 5) % sizes.length] as number;
}

function conditionFor({ alias }: Signature, turn: number): Condition {
  const usable = alias ? CONDITIONS : CONDITIONS.slice(0, 3);
  return turn % 2 === 0 ? "always" : (usable[Math.floor(turn / 2) % usable.length] as Condition);
}

function holds(condition: Condition, { alias, outputs }: Signature, args: Args): boolean {
  if (condition === "always") return true;
  if (condition === "in place" || condition === "apart") {
    return alias !== undefined && (args[alias[0]] === args[alias[1]]) === (condition === "in place");
  }
  return outputs.some((operand) => bufferOf(args, operand)?.dtype === condition);
}

function elementFault(
  signature: Signature,
  operand: Operand,
  role: "inputs" | "outputs",
  d: number,
  dimension: string,
  pick: Pick,
  effect: Effect,
  size: number,
  condition: Condition,
): Mutant {
  const { kernel } = signature;
  const where = condition === "always" ? "" : `, ${condition}`;
  return {
    id: `${kernel}: ${operand.name} ${effect}, ${pick.name} ${size} of ${dimension}${where}`,
    kind: `${effect} ${role === "inputs" ? "operand" : "result"}, ${pick.name} a size of ${dimension}${where}`,
    kernel,
    hint: { dimension: operand.over === "length" ? "inner" : dimension, above: pick.above(size) },
    dtype: condition === "float32" || condition === "float64" ? condition : null,
    plant(backend) {
      let last: Float64Array | null = null;
      const change = (values: Float64Array, prior: Float64Array, n: readonly [number, number, number]) => {
        const old = last !== null && last.length === values.length ? last : null;
        last = values.slice();
        const missing = role === "inputs" ? null : prior;
        alter(values, n, d, (i) => pick.picks(i, n[d] as number, size), effect, missing, old);
      };
      return replacing(backend, kernel, (real, args) => {
        const buffer = bufferOf(args, operand);
        if (buffer === null || !holds(condition, signature, args)) return real(...args);
        const n = extentOf(args, signature, operand);
        const length = n[0] * n[1] * n[2];
        if (role === "inputs")
          return changedInput(backend, real, args, operand, buffer, length, (v) => change(v, v, n));
        const prior = new Float64Array(buffer.view.subarray(0, length));
        real(...args);
        const values = new Float64Array(buffer.view.subarray(0, length));
        change(values, prior, n);
        buffer.view.set(values);
      });
    },
  };
}

/** Changes the selected elements of [outer][channels][inner]. Without `missing`, a missing element counts as 0. */
function alter(
  values: Float64Array,
  [outer, channels, inner]: readonly [number, number, number],
  d: number,
  picked: (i: number) => boolean,
  effect: Effect,
  missing: Float64Array | null,
  old: Float64Array | null,
): void {
  const n = [outer, channels, inner][d] as number;
  const stride = [channels * inner, inner, 1][d] as number;
  const was = values.slice();
  const flags = Array.from({ length: n }, (_, i) => picked(i));
  for (let e = 0; e < values.length; e++) {
    const i = Math.floor(e / stride) % n;
    if (!flags[i]) continue;
    if (effect === "missing") values[e] = missing ? (missing[e] as number) : 0;
    else if (effect === "stale") values[e] = old ? (old[e] as number) : (was[e] as number);
    else values[e] = was[i > 0 ? e - stride : e + (n > 1 ? stride : 0)] as number;
  }
}

/**
 * The call with a changed copy of one operand. The backend itself makes the copy, because it may know no other memory.
 */
export function changedInput(
  backend: Backend<HostBuffer>,
  real: Call,
  args: Args,
  operand: Operand,
  buffer: HostBuffer,
  length: number,
  change: (values: Float64Array) => void,
): void {
  const values = new Float64Array(buffer.view.subarray(0, length));
  change(values);
  const copy = backend.alloc(buffer.dtype, buffer.length);
  copy.view.set(buffer.view);
  copy.view.set(values);
  real(...withBuffer(args, operand, copy));
  copy.dispose();
}

function valueFaults(signature: Signature): Mutant[] {
  const { kernel } = signature;
  return signature.inputs.flatMap((operand) =>
    VALUE_FAULTS.filter(({ operands }) => operands.includes(operand.name)).map(
      ({ name, change }): Mutant => ({
        id: `${kernel}: ${operand.name}, ${name}`,
        kind: `${operand.name}, ${name}`,
        kernel,
        hint: { dimension: "channels", above: 16 },
        dtype: null,
        plant: (backend) =>
          replacing(backend, kernel, (real, args) => {
            const buffer = bufferOf(args, operand);
            if (buffer === null) return real(...args);
            const [o, c, i] = extentOf(args, signature, operand);
            changedInput(backend, real, args, operand, buffer, o * c * i, (values) => {
              for (const [e, value] of values.entries()) values[e] = change(value);
            });
          }),
      }),
    ),
  );
}

/** A mistake in the operands of a call, for any backend. */
export const changedCall = <B extends DeviceBuffer>(
  kernel: string,
  bug: string,
  kind: string,
  hint: Mutant["hint"],
  change: (args: Args) => Args,
): Mutant<B> => ({
  id: `${kernel}: ${bug}`,
  kind,
  kernel,
  hint,
  dtype: null,
  plant: (backend) => replacing(backend, kernel, (real, args) => real(...change(args))),
});

/** The number of values per channel in a call's own tensor. */
export function ownCount(geometry: unknown): number {
  const { outer, inner } = geometry as Geometry;
  return outer * inner;
}

/** Mistakes about absent operands, about eps and about the divisor. */
function numberFaults({ kernel, eps, m, size, inputs, outputs }: Signature): Mutant[] {
  const number = (at: number | undefined, name: string, change: (value: number, args: Args) => number) =>
    at === undefined ? [] : [[name, (args: Args) => args.with(at, change(args[at] as number, args))] as const];
  const absent = kernel === "gradSums" || kernel === "backward" ? [] : ["beta", "grad.beta"];
  const changes: readonly (readonly [name: string, change: (args: Args) => Args])[] = [
    ...number(eps, "eps 0 replaced by a default", (v) => v || 1e-3),
    ...number(eps, "a large eps clipped", (v) => Math.min(v, 0.1)),
    ...number(eps, "eps squared", (v) => v * v),
    ...number(m, "the divisor counted again", (_, args) => ownCount(args[size])),
    ...number(m, "the divisor in 32 bits", (v) => v % 2 ** 32),
    ...[...inputs, ...outputs]
      .filter(({ name }) => absent.includes(name))
      .map((operand) => [`${operand.name} left out`, (args: Args) => withoutOperand(args, operand)] as const),
  ];
  return changes.map(([name, change]) => changedCall(kernel, name, name, { dimension: "up-to", above: 1 }, change));
}

const withoutOperand = (args: Args, operand: Operand) =>
  bufferOf(args, operand) ? withBuffer(args, operand, null) : args;

/** The kernels with one of them replaced. */
export function replacing<B extends DeviceBuffer>(
  backend: Backend<B>,
  kernel: string,
  call: (real: Call, args: Args) => void,
): Kernels<B> {
  return new Proxy(backend.kernels, {
    get(target, name) {
      const real: unknown = Reflect.get(target, name);
      if (typeof real !== "function") return real;
      const bound: Call = (...args) => Reflect.apply(real, target, args);
      return name === kernel ? (...args: unknown[]) => call(bound, args) : bound;
    },
  });
}
