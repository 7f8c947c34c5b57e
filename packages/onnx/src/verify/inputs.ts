import { random } from "@bn/conformance";
import { BnError, type Shape } from "@bn/core";
import type { NodeProto, ValueInfoProto } from "onnx-buf";
import { attributeOf, type Model, parseModel } from "../graph/proto.ts";
import type { Tensor } from "./runtime.ts";

/** One input of a network, with a size for every axis. */
export interface InputPlan {
  readonly name: string;
  readonly type: string;
  readonly shape: Shape;
}

/** 512 MiB of float32. */
const MAX_ELEMENTS = 2 ** 27;

/** What can be made up for an input, by TensorProto.DataType. */
const TYPES: Readonly<Record<number, { type: string; of: (length: number) => Tensor["data"] & { length: number } }>> = {
  1: { type: "float32", of: (length) => new Float32Array(length) },
  2: { type: "uint8", of: (length) => new Uint8Array(length) },
  6: { type: "int32", of: (length) => new Int32Array(length) },
  7: { type: "int64", of: (length) => new BigInt64Array(length) },
  9: { type: "bool", of: (length) => new Uint8Array(length) },
  11: { type: "float64", of: (length) => new Float64Array(length) },
};

/**
 * A shape for every input of the network. Sizes that the model leaves open are chosen: 1 for the batch (axis 0, and
 * names with "batch"), what the first convolution expects for the channels, `size` elsewhere. A name in two places
 * has one size. `shapes` decides for the inputs that it names.
 *
 * Errors: `ERR_BN_DATA`, an input that is no tensor of numbers, or too large; `ERR_BN_PARAM`, `shapes` does not fit.
 */
export function planInputs(model: Model, shapes: Readonly<Record<string, Shape>>, size: number): InputPlan[] {
  const inputs = inputsOf(model);
  for (const name of Object.keys(shapes)) {
    if (inputs.some((input) => input.name === name)) continue;
    const names = inputs.map((input) => `"${input.name}"`).join(", ");
    throw new BnError("ERR_BN_PARAM", `verifyModel: shapes or feeds names "${name}", the model's inputs are ${names}`);
  }
  const sizes = new Map<string, number>();
  for (const input of inputs)
    for (const [i, dim] of (shapes[input.name] ?? []).entries()) nameSize(sizes, input, i, dim);
  const channelsOf = channelsIn(model);
  let total = 0;
  return inputs.map((input) => {
    const given = shapes[input.name];
    const plan = { name: input.name, type: typeOf(input), shape: given ?? chosenShape(channelsOf, input, sizes, size) };
    checkShape(input, plan.shape, given !== undefined);
    total += plan.shape.reduce((a, b) => a * b, 1);
    if (total > MAX_ELEMENTS)
      throw bad(input, `and those before it have ${total} values, expected at most ${MAX_ELEMENTS}; give shapes`);
    return plan;
  });
}

/** The names of a model's inputs, without what it stores. Errors: `ERR_BN_DATA`, as `parseModel`. */
export function inputNames(bytes: Uint8Array): string[] {
  return inputsOf(parseModel(bytes)).map(({ name }) => name);
}

/** Before IR 4 initialisers are listed among the inputs. */
function inputsOf({ graph }: Model): ValueInfoProto[] {
  const stored = new Set(graph.initializer.map(({ name }) => name));
  return graph.input.filter(({ name }) => !stored.has(name));
}

/** A picture-like input, the same for the same seed: smooth waves over the last axes with some grain, in [-1, 1]. */
export function makeInput({ name, type, shape }: InputPlan, seed: string): Tensor {
  const make = Object.values(TYPES).find((entry) => entry.type === type);
  const length = shape.reduce((a, b) => a * b, 1);
  const { uniform } = random(`${seed}|${name}`);
  const [height, width] = [shape.at(-2) ?? 1, shape.at(-1) ?? 1];
  const value = (() => {
    const waves = Array.from({ length: 4 }, () => ({ fx: uniform() * 6, fy: uniform() * 6, phase: uniform() * 6.3 }));
    return (i: number) => {
      const [x, y] = [(i % width) / width, (Math.floor(i / width) % height) / height];
      const plane = Math.floor(i / (width * height));
      let sum = 0;
      for (const { fx, fy, phase } of waves) sum += Math.sin(6.3 * (fx * x + fy * y) + phase * (1 + plane));
      return Math.max(-1, Math.min(1, sum / 3 + (uniform() - 0.5) / 8));
    };
  })();
  const data = (make as (typeof TYPES)[number]).of(length);
  if (data instanceof Float32Array || data instanceof Float64Array) for (let i = 0; i < length; i++) data[i] = value(i);
  return { type, shape, data };
}

function typeOf(input: ValueInfoProto): string {
  const value = input.type?.value;
  const found = value?.case === "tensorType" ? TYPES[value.value.elemType] : undefined;
  if (found) return found.type;
  const came = value?.case === "tensorType" ? `of element type ${value.value.elemType}` : `no tensor (${value?.case})`;
  const known = Object.values(TYPES).map(({ type }) => type);
  throw bad(input, `is ${came}, expected a tensor of ${known.join(", ")}; convert the model`);
}

function dimsOf(input: ValueInfoProto) {
  const value = input.type?.value;
  return value?.case === "tensorType" ? value.value.shape?.dim.map(({ value }) => value) : undefined;
}

function nameSize(sizes: Map<string, number>, input: ValueInfoProto, axis: number, size: number): void {
  const dim = dimsOf(input)?.[axis];
  if (dim?.case === "dimParam" && dim.value !== "") sizes.set(dim.value, size);
}

function chosenShape(
  channelsOf: ReturnType<typeof channelsIn>,
  input: ValueInfoProto,
  sizes: Map<string, number>,
  size: number,
): Shape {
  const dims = dimsOf(input);
  if (!dims) throw bad(input, "has no rank in the model; give its shape");
  return dims.map((dim, axis) => {
    if (dim.case === "dimValue" && dim.value > 0n) return Number(dim.value);
    const name = dim.case === "dimParam" ? dim.value : "";
    const known = sizes.get(name);
    if (name !== "" && known !== undefined) return known;
    const batch = axis === 0 || /batch/i.test(name);
    const chosen = batch ? 1 : axis === 1 ? (channelsOf(input.name) ?? size) : size;
    nameSize(sizes, input, axis, chosen);
    return chosen;
  });
}

/**
 * Channels of an input that goes into a convolution, whose weights are [M, C / group, ...], or into a BatchNormalization.
 * Nodes and weights are listed once: a file may hold a hundred thousand of each.
 */
function channelsIn({ graph }: Model): (name: string) => number | undefined {
  const readers = new Map<string, NodeProto>();
  const dims = new Map(graph.initializer.map((tensor) => [tensor.name, tensor.dims]));
  for (const node of graph.node) {
    const { opType, input, output } = node;
    const [x = "", y = ""] = [input[0], output[0]];
    if ((opType === "Conv" || opType === "BatchNormalization") && !readers.has(x)) readers.set(x, node);
    const value = opType === "Constant" ? attributeOf(node, "value")?.t : undefined;
    if (value && !dims.has(y)) dims.set(y, value.dims);
  }
  return (name) => {
    const reader = readers.get(name);
    const weights = dims.get(reader?.input[1] ?? "");
    const channels = reader?.opType === "Conv" ? weights?.[1] : weights?.[0];
    if (!reader || channels === undefined) return undefined;
    return Number(channels * (attributeOf(reader, "group")?.i ?? 1n));
  };
}

function checkShape(input: ValueInfoProto, shape: Shape, given: boolean): void {
  const count = shape.reduce((a, b) => a * b, 1);
  if (!shape.every((dim) => Number.isInteger(dim) && dim > 0) || count > MAX_ELEMENTS) {
    const text = `shape [${shape}], expected whole numbers > 0 with a product of at most ${MAX_ELEMENTS}`;
    if (given) throw new BnError("ERR_BN_PARAM", `verifyModel: shapes gives input "${input.name}" the ${text}`);
    throw bad(input, `has ${text}; give its shape`);
  }
  const dims = dimsOf(input);
  const fits = (dim: NonNullable<typeof dims>[number], i: number) =>
    dim.case !== "dimValue" || dim.value <= 0n || Number(dim.value) === shape[i];
  if (!dims || (dims.length === shape.length && dims.every(fits))) return;
  const declared = dims.map(({ case: kind, value }) => (kind === undefined ? "?" : String(value)));
  throw new BnError(
    "ERR_BN_PARAM",
    `verifyModel: shapes gives input "${input.name}" [${shape}], the model expects [${declared}]`,
  );
}

function bad(input: ValueInfoProto, what: string): BnError {
  return new BnError("ERR_BN_DATA", `ONNX model: input "${input.name}" ${what}`);
}
