import type { BnError } from "@bn/core";
import { create } from "@bufbuild/protobuf";
import { type AttributeProto, AttributeProtoSchema, type NodeProto, type TensorProto } from "onnx-buf";
import { floatAttribute, floatsAttribute, intAttribute, intsAttribute, intTensor, tensorOf } from "./encode.ts";
import { attributeOf } from "./proto.ts";
import { numbersOf, wholeNumbersOf } from "./tensor.ts";

/** The context for rewriting a node. */
export interface Rewrite {
  readonly opset: number;
  readonly rankOf: (name: string) => number | undefined;
  readonly stored: ReadonlyMap<string, TensorProto>;
  /** Adds an initialiser under an unused name, and returns that name. */
  put(tensor: TensorProto): string;
  fail(what: string): BnError;
}

/**
 * Attributes that later operator sets removed without changing the result, by operator. consumed_inputs is removed from
 * all.
 */
export const GONE: ReadonlyMap<string, readonly string[]> = new Map([
  ["BatchNormalization", ["is_test"]],
  ["Dropout", ["is_test"]],
  ["Gemm", ["broadcast"]],
  ["LSTM", ["output_sequence"]],
  ["GRU", ["output_sequence"]],
  ["RNN", ["output_sequence"]],
]);

const TYPE_NAMES =
  "UNDEFINED FLOAT UINT8 INT8 UINT16 INT16 INT32 INT64 STRING BOOL FLOAT16 DOUBLE UINT32 UINT64 COMPLEX64 COMPLEX128".split(
    " ",
  );

type Change = (node: NodeProto, rewrite: Rewrite, before: readonly AttributeProto[]) => void;

/** How operators changed between versions 1 and 7; each function rewrites a node in place. */
export const CHANGED: ReadonlyMap<string, Change> = new Map(
  Object.entries<Change>({
    // Training was is_test 0; now further outputs indicate it.
    BatchNormalization(node, _, before) {
      const isTest = before.find(({ name }) => name === "is_test");
      if (isTest === undefined || isTest.i !== 0n) return;
      const named = ["mean", "var", "saved_mean", "saved_var"].map((name) => `@bn/onnx/${node.output[0]}/${name}`);
      node.output = [node.output[0] ?? "", ...named.map((name, i) => node.output[i + 1] || name)];
    },
    Reshape(node, { put }) {
      const shape = take(node, "shape");
      if (shape) node.input = [node.input[0] ?? "", put(intTensor("", shape.ints.map(Number)))];
    },
    Cast(node, { fail }) {
      const to = attributeOf(node, "to");
      if (!to || to.type === 2 || to.s.length === 0) return;
      const name = new TextDecoder().decode(to.s).toUpperCase();
      const type = TYPE_NAMES.indexOf(name);
      if (type < 0) throw fail(`casts to "${name}", expected ${TYPE_NAMES.join(", ")}`);
      replace(node, "to", intAttribute("to", type));
    },
    Concat(node) {
      if (!attributeOf(node, "axis")) node.attribute.push(intAttribute("axis", 1));
    },
    Pad(node) {
      const pads = attributeOf(node, "paddings");
      if (pads) replace(node, "paddings", intsAttribute("pads", pads.ints.map(Number)));
    },
    Upsample(node) {
      const [height, width] = [take(node, "height_scale"), take(node, "width_scale")];
      if (!height || !width) return;
      node.attribute.push(floatsAttribute("scales", [1, 1, height.f, width.f]));
      const mode = attributeOf(node, "mode");
      if (mode && new TextDecoder().decode(mode.s) === "bilinear") mode.s = new TextEncoder().encode("linear");
    },
    ConstantFill: filled,
    GivenTensorFill: filled,
    LpPool: wholeNorm,
    GlobalLpPool: wholeNorm,
    // The defaults of version 1 had fewer entries.
    Selu(node, { opset }) {
      if (opset >= 6) return;
      if (!attributeOf(node, "alpha")) node.attribute.push(floatAttribute("alpha", Math.fround(1.6732)));
      if (!attributeOf(node, "gamma")) node.attribute.push(floatAttribute("gamma", Math.fround(1.0507)));
    },
    // In version 1 the lengths could also be an input.
    Split(node, { stored, fail, opset }) {
      const [x = "", lengths = ""] = node.input;
      if (opset >= 2 || lengths === "") return;
      const values = constantOf(stored.get(lengths));
      if (!values) throw fail(`its lengths, tensor "${lengths}", are not stored in the model`);
      node.input = [x];
      replace(node, "split", intsAttribute("split", values));
    },
    // Version 1 repeated along one axis. The axis and the number of repetitions were inputs of the type of X.
    Tile(node, { stored, rankOf, put, fail, opset }) {
      if (opset >= 6) return;
      const [x = "", tiles = "", along = ""] = node.input;
      const [count, axis] = [constantOf(stored.get(tiles))?.[0], constantOf(stored.get(along))?.[0]];
      const rank = rankOf(x);
      if (count === undefined || axis === undefined)
        throw fail("how often it repeats, and along which axis, are not stored in the model");
      if (rank === undefined) throw fail(`the model does not contain the rank of "${x}"`);
      const at = axis < 0 ? axis + rank : axis;
      node.input = [
        x,
        put(
          intTensor(
            "",
            Array.from({ length: rank }, (_, i) => (i === at ? count : 1)),
          ),
        ),
      ];
    },
  }),
);

/** Experimental operators that give a constant tensor. They become a Constant, unless an input determines the shape. */
function filled(node: NodeProto, { fail }: Rewrite): void {
  const given = ["values", "shape", "value", "dtype", "extra_shape", "input_as_shape"].map((name) => take(node, name));
  const [values, shape, value, dtype] = given;
  if (node.input.length > 0 || !shape)
    throw fail("takes its shape from a tensor, which later operator sets do not support");
  if (dtype && dtype.i !== 1n) throw fail(`gives values of element type ${dtype.i}, expected 1, float32`);
  const dims = shape.ints.map(Number);
  const count = dims.reduce((a, b) => a * b, 1);
  if (!dims.every((size) => size >= 0) || count > MAX_FILLED)
    throw fail(`has shape [${dims}], expected sizes >= 0 of at most ${MAX_FILLED} values`);
  const single = value?.f ?? 0;
  if (values && values.floats.length !== count)
    throw fail(`has shape [${dims}], that is ${count} values, and holds ${values.floats.length}`);
  const data = values ? Float32Array.from(values.floats) : new Float32Array(count).fill(single);
  node.opType = "Constant";
  node.attribute = [create(AttributeProtoSchema, { name: "value", type: 4, t: tensorOf("", dims, data) })];
}

/** A limit for the tensor that a few bytes of a file may expand to. */
const MAX_FILLED = 2 ** 24;

/** p was a float and is an int now. */
function wholeNorm(node: NodeProto, { fail }: Rewrite): void {
  const p = attributeOf(node, "p");
  if (!p || p.type === 2) return;
  if (!Number.isInteger(p.f)) throw fail(`p is ${p.f}, and since version 2 a whole number`);
  replace(node, "p", intAttribute("p", p.f));
}

/** The values of a tensor of any numeric type that represents whole numbers. */
function constantOf(tensor: TensorProto | undefined): readonly number[] | null {
  if (!tensor) return null;
  const found = tensor.dataType === 7 ? wholeNumbersOf(tensor) : numbersOf(tensor);
  return typeof found === "string" ? null : Array.from(found.data);
}

export function take(node: NodeProto, name: string): AttributeProto | undefined {
  const found = attributeOf(node, name);
  if (found) node.attribute = node.attribute.filter((attribute) => attribute !== found);
  return found;
}

function replace(node: NodeProto, name: string, by: AttributeProto): void {
  take(node, name);
  node.attribute.push(by);
}
