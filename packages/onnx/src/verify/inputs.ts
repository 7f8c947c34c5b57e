import { random } from "@bn/conformance";
import { BnError, type Shape } from "@bn/core";
import type { NodeProto, ValueInfoProto } from "onnx-buf";
import { inputsOf } from "../graph/inputs.ts";
import { attributeOf, type Model, parseModel } from "../graph/proto.ts";
import type { Tensor } from "./runtime.ts";
import { createValues, typeNameOf } from "./values.ts";

/** One input of a network, with a size for every axis. */
export interface InputPlan {
  readonly name: string;
  readonly type: string;
  readonly shape: Shape;
}

/** 512 MiB of float32. */
const MAX_ELEMENTS = 2 ** 27;

/** What is wanted of the inputs: shapes by name, and the size of what stays open. */
export interface Sizes {
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly size: number;
}

/**
 * A shape for each of `inputs`. Sizes that the model leaves open are chosen: 1 for the batch (axis 0, and names with
 * "batch"), what the first convolution expects for the channels, `size` elsewhere. A name in two places has one size.
 * `shapes` decides for the inputs that it names.
 *
 * Errors: `ERR_BN_DATA`, an input that is not a tensor, or too large; `ERR_BN_PARAM`, `shapes` does not fit.
 */
export function planInputs(
  inputs: readonly ValueInfoProto[],
  channelsOf: (name: string) => number | undefined,
  { shapes, size }: Sizes,
): InputPlan[] {
  const sizes = new Map<string, number>();
  for (const input of inputs)
    for (const [i, dim] of (shapes.get(input.name) ?? []).entries()) nameSize(sizes, input, i, dim);
  let total = 0;
  return inputs.map((input) => {
    const given = shapes.get(input.name);
    const plan = { name: input.name, type: typeOf(input), shape: given ?? chosenShape(channelsOf, input, sizes, size) };
    checkShape(input, plan.shape, given !== undefined);
    total += plan.shape.reduce((a, b) => a * b, 1);
    if (total > MAX_ELEMENTS)
      throw bad(input, `and those before it have ${total} values, expected at most ${MAX_ELEMENTS}; give shapes`);
    return plan;
  });
}

/** Errors: `ERR_BN_PARAM`, `given` names an input that the model does not have. */
export function checkNames(model: Model, given: Iterable<string>): void {
  const inputs = inputsOf(model);
  for (const name of given) {
    if (inputs.some((input) => input.name === name)) continue;
    const names = inputs.map((input) => `"${input.name}"`).join(", ") || "none";
    throw new BnError("ERR_BN_PARAM", `verifyModel: shapes or feeds names "${name}", the model's inputs are ${names}`);
  }
}

/** The names of a model's inputs, without what it stores. Errors: `ERR_BN_DATA`, as `parseModel`. */
export function inputNames(bytes: Uint8Array): string[] {
  return inputsOf(parseModel(bytes)).map(({ name }) => name);
}

/**
 * A picture-like input, the same for the same seed: smooth waves over the last axes with some grain, in [-1, 1]; of whole
 * numbers over their range, or 0 where `flat`, for they may be indices. Variances are positive.
 */
export function makeInput({ name, type, shape }: InputPlan, seed: string, variance: boolean, flat: boolean): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const { uniform } = random(`${seed}|${name}`);
  const [height, width] = [shape.at(-2) ?? 1, shape.at(-1) ?? 1];
  const waves = Array.from({ length: 4 }, () => ({ fx: uniform() * 6, fy: uniform() * 6, phase: uniform() * 6.3 }));
  const value = (i: number) => {
    const [x, y] = [(i % width) / width, (Math.floor(i / width) % height) / height];
    const plane = Math.floor(i / (width * height));
    let sum = 0;
    for (const { fx, fy, phase } of waves) sum += Math.sin(6.3 * (fx * x + fy * y) + phase * (1 + plane));
    return Math.max(-1, Math.min(1, sum / 3 + (uniform() - 0.5) / 8));
  };
  // A variance below 0 gives NaN, and NaN says nothing.
  return { type, shape, data: createValues(type, length, variance ? (i) => 1.25 + value(i) : value, flat) };
}

function typeOf(input: ValueInfoProto): string {
  const value = input.type?.value;
  const name = value?.case === "tensorType" ? typeNameOf(value.value.elemType) : undefined;
  if (name !== undefined) return name;
  const came = value?.case === "tensorType" ? `of element type ${value.value.elemType}` : `not a tensor (${value?.case})`;
  throw bad(input, `is ${came}, expected a tensor of numbers, bool or string; convert the model`);
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
  channelsOf: (name: string) => number | undefined,
  input: ValueInfoProto,
  sizes: Map<string, number>,
  size: number,
): Shape {
  const dims = dimsOf(input);
  if (!dims)
    throw bad(input, `has no rank in the model; give its shape, e.g. bn verify --shape ${input.name}=1,3,224,224`);
  return dims.map((dim, axis) => {
    // A size of 0 is one: then there is nothing to compare.
    if (dim.case === "dimValue" && dim.value >= 0n) return Number(dim.value);
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
 * Channels of an input, as what it goes into tells them: a convolution, whose weights are [M, C / group, ...], a
 * normalization, or elementwise arithmetic with a constant that has as many axes; through nodes that keep the channels.
 * Nodes and weights are listed once: a file may hold a hundred thousand of each.
 */
export function channelsIn({ graph }: Model): (name: string) => number | undefined {
  const readers = new Map<string, NodeProto[]>();
  const dims = new Map(graph.initializer.map((tensor) => [tensor.name, tensor.dims]));
  for (const node of graph.node) {
    for (const x of new Set(node.input)) readers.set(x, [...(readers.get(x) ?? []), node].slice(0, 8));
    const value = node.opType === "Constant" ? attributeOf(node, "value")?.t : undefined;
    if (value && !dims.has(node.output[0] ?? "")) dims.set(node.output[0] ?? "", value.dims);
  }
  const told = (node: NodeProto): bigint | undefined => {
    const { opType, input } = node;
    const weights = dims.get(input[1] ?? "");
    if (opType === "Conv") return (weights?.[1] ?? 0n) * (attributeOf(node, "group")?.i ?? 1n) || undefined;
    if (opType === "ConvTranspose") return weights?.[0];
    if (opType === "BatchNormalization" || opType === "InstanceNormalization") return weights?.[0];
    // A constant of [1, C, 1, 1] beside it.
    const wide = input.map((name) => dims.get(name)).find((one) => one !== undefined && one.length >= 3);
    return KEEPS.has(opType) && (wide?.at(-3) ?? 1n) > 1n ? wide?.at(-3) : undefined;
  };
  return (name) => {
    const passed = new Set<string>();
    const open = [name];
    for (const one of open) {
      if (passed.has(one) || passed.size > 64) continue;
      passed.add(one);
      for (const node of readers.get(one) ?? []) {
        const channels = told(node);
        if (channels !== undefined && channels > 0n) return Number(channels);
        if (KEEPS.has(node.opType)) open.push(node.output[0] ?? "");
      }
    }
    return undefined;
  };
}

/** Operators whose output has the channels of their input. */
const KEEPS = new Set(
  "Add Sub Mul Div Cast Identity Clip Relu LeakyRelu Sigmoid Tanh Pad Dropout MaxPool AveragePool Abs Neg".split(" "),
);

function checkShape(input: ValueInfoProto, shape: Shape, given: boolean): void {
  const count = shape.reduce((a, b) => a * b, 1);
  const dims = dimsOf(input);
  const isSize = (dim: number, i: number) =>
    Number.isInteger(dim) && (dim > 0 || (dim === 0 && dims?.[i]?.value === 0n));
  if (!shape.every(isSize) || count > MAX_ELEMENTS) {
    const text = `shape [${shape}], expected whole numbers > 0 with a product of at most ${MAX_ELEMENTS}`;
    if (given) throw new BnError("ERR_BN_PARAM", `verifyModel: shapes gives input "${input.name}" the ${text}`);
    throw bad(input, `has ${text}; give its shape`);
  }
  const fits = (dim: NonNullable<typeof dims>[number], i: number) =>
    dim.case !== "dimValue" || dim.value < 0n || Number(dim.value) === shape[i];
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
