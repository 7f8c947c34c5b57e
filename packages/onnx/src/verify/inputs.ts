import type { BnError, Shape } from "@bn/core";
import type { ValueInfoProto } from "onnx-buf";
import { modelError, paramError } from "../graph/errors.ts";
import { inputsOf } from "../graph/inputs.ts";
import { type Model, parseModel, tensorTypeOf } from "../graph/proto.ts";
import { type Feed, lengthOf } from "./large.ts";
import type { SizeOf } from "./open-sizes.ts";
import { createValues, isPlain, typeNameOf } from "./values.ts";
import { createWave } from "./wave.ts";

/** One input of a network, with a size for every axis. */
export interface InputPlan {
  readonly name: string;
  readonly type: string;
  readonly shape: Shape;
}

/** 512 MiB of float32. */
const MAX_ELEMENTS = 2 ** 27;

/** The requested inputs: shapes by name, and the size for open axes. */
export interface Sizes {
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly size: number;
}

/**
 * Chooses a shape for each of `inputs`. For open sizes it takes the size that the weights imply, 1 for the batch (axis
 * 0, and names with "batch"), and otherwise `size`. A name in two places gets the same size. `shapes` determines the
 * inputs that it names.
 *
 * Errors: `ERR_BN_DATA` if an input is not a tensor, or is too large; `ERR_BN_PARAM` if `shapes` does not fit.
 */
export function planInputs(inputs: readonly ValueInfoProto[], sizeOf: SizeOf, { shapes, size }: Sizes): InputPlan[] {
  const sizes = new Map<string, number>();
  for (const input of inputs)
    for (const [i, dim] of (shapes.get(input.name) ?? []).entries()) nameSize(sizes, input, i, dim);
  let total = 0;
  return inputs.map((input) => {
    const given = shapes.get(input.name);
    const plan = { name: input.name, type: typeOf(input), shape: given ?? chosenShape(sizeOf, input, sizes, size) };
    checkShape(input, plan.shape, given !== undefined);
    total += plan.shape.reduce((a, b) => a * b, 1);
    if (total > MAX_ELEMENTS)
      throw bad(
        input,
        `and the inputs before it have ${total} values, expected at most ${MAX_ELEMENTS}; pass smaller shapes`,
      );
    return plan;
  });
}

/** Errors: `ERR_BN_PARAM` if `given` names an input that the model does not have. */
export function checkNames(model: Model, given: Iterable<string>): void {
  const inputs = inputsOf(model);
  for (const name of given) {
    if (inputs.some((input) => input.name === name)) continue;
    const names = inputs.map((input) => `"${input.name}"`).join(", ") || "none";
    throw paramError(`verifyModel: shapes or feeds names "${name}", the model's inputs are ${names}`);
  }
}

/** The names of a model's inputs, except for initialisers. Errors: `ERR_BN_DATA` as for `parseModel`. */
export function inputNames(bytes: Uint8Array): string[] {
  return inputsOf(parseModel(bytes)).map(({ name }) => name);
}

/**
 * A picture-like input, the same for the same seed: smooth waves over the last axes with some grain, in [-1, 1].
 * Integers cover their range, or are 0 with `flat`, because they may be indices. Variances are positive.
 */
export function makeInput({ name, type, shape }: InputPlan, seed: string, variance: boolean, flat: boolean): Feed {
  const length = lengthOf(shape);
  const create = () => {
    const value = createWave(shape, `${seed}|${name}`);
    // A negative variance would give NaN, which tests nothing.
    return variance ? (i: number) => 1.25 + value(i) : value;
  };
  if (length <= LARGE || !isPlain(type)) return { type, shape, data: createValues(type, length, create(), flat) };
  return {
    ...{ type, shape },
    *chunks() {
      const value = create();
      for (let at = 0; at < length; at += CHUNK)
        yield createValues(type, Math.min(CHUNK, length - at), (i) => value(at + i), flat) as Float32Array;
    },
  };
}

/** The number of values from which an input is not kept, and the number generated at a time. */
const [LARGE, CHUNK] = [2 ** 20, 2 ** 18];

/** Errors: `ERR_BN_DATA`, an input whose type cannot be fed. */
export function checkTypes(inputs: readonly ValueInfoProto[]): void {
  for (const input of inputs) typeOf(input);
}

function typeOf(input: ValueInfoProto): string {
  const tensor = tensorTypeOf(input);
  const name = tensor && typeNameOf(tensor.elemType);
  if (name !== undefined) return name;
  const came = tensor ? `of element type ${tensor.elemType}` : `not a tensor (${input.type?.value.case})`;
  throw bad(input, `is ${came}, expected a tensor of numbers, bool or string; convert the model`);
}

/** Whether the model leaves a size of an input open. */
export function hasOpenSize(input: ValueInfoProto): boolean {
  return dimsOf(input)?.some((dim) => dim.case !== "dimValue" || dim.value < 0n) ?? true;
}

function dimsOf(input: ValueInfoProto) {
  return tensorTypeOf(input)?.shape?.dim.map(({ value }) => value);
}

function nameSize(sizes: Map<string, number>, input: ValueInfoProto, axis: number, size: number): void {
  const dim = dimsOf(input)?.[axis];
  if (dim?.case === "dimParam" && dim.value !== "") sizes.set(dim.value, size);
}

function chosenShape(sizeOf: SizeOf, input: ValueInfoProto, sizes: Map<string, number>, size: number): Shape {
  const dims = dimsOf(input);
  if (!dims) throw bad(input, `has no shape in the model; give one, e.g. bn verify --shape ${input.name}=1,3,224,224`);
  const { sizes: told, isParameter } = sizeOf(input.name, dims.length);
  return dims.map((dim, axis) => {
    // A size of 0 is allowed; there is then nothing to compare.
    if (dim.case === "dimValue" && dim.value >= 0n) return Number(dim.value);
    const name = dim.case === "dimParam" ? dim.value : "";
    const known = sizes.get(name);
    if (name !== "" && known !== undefined) return known;
    const batch = (axis === 0 && !isParameter) || /batch/i.test(name);
    const chosen = told[axis] ?? (batch ? 1 : size);
    nameSize(sizes, input, axis, chosen);
    return chosen;
  });
}

function checkShape(input: ValueInfoProto, shape: Shape, given: boolean): void {
  const count = shape.reduce((a, b) => a * b, 1);
  const dims = dimsOf(input);
  const isSize = (dim: number, i: number) =>
    Number.isInteger(dim) && (dim > 0 || (dim === 0 && dims?.[i]?.value === 0n));
  if (!shape.every(isSize) || count > MAX_ELEMENTS) {
    const text = `shape [${shape}], expected whole numbers > 0 with a product of at most ${MAX_ELEMENTS}`;
    if (given) throw paramError(`verifyModel: shapes gives input "${input.name}" the ${text}`);
    throw bad(input, `has ${text}; give its shape`);
  }
  const fits = (dim: NonNullable<typeof dims>[number], i: number) =>
    dim.case !== "dimValue" || dim.value < 0n || Number(dim.value) === shape[i];
  if (!dims || (dims.length === shape.length && dims.every(fits))) return;
  const declared = dims.map(({ case: kind, value }) => (kind === undefined ? "?" : String(value)));
  throw paramError(`verifyModel: shapes gives input "${input.name}" [${shape}], the model expects [${declared}]`);
}

function bad(input: ValueInfoProto, what: string): BnError {
  return modelError(`input "${input.name}" ${what}`);
}
