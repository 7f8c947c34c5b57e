import { BnError } from "@bn/core";
import { create } from "@bufbuild/protobuf";
import { type AttributeProto, type NodeProto, type TensorProto, TensorProtoSchema } from "onnx-buf";
import { floatAttribute, intAttribute, intsAttribute, intTensor, nodeOf } from "./encode.ts";
import { attributeOf, isOnnxDomain, labelOf, type Model, opsetOf } from "./proto.ts";
import { createRanks } from "./ranks.ts";

/** The first operator set that ONNX Runtime loads. */
const TARGET = 7;

/** Attributes that were taken away without changing what is computed, by operator; consumed_inputs from all. */
const GONE: Readonly<Record<string, readonly string[]>> = {
  BatchNormalization: ["is_test"],
  Dropout: ["is_test"],
  Gemm: ["broadcast"],
};

/** Operators that since version 7 broadcast as numpy does, and before by the attributes `broadcast` and `axis`. */
const BROADCAST = new Set("Add Sub Mul Div Pow And Or Xor Equal Greater Less PRelu".split(" "));

const TYPE_NAMES =
  "UNDEFINED FLOAT UINT8 INT8 UINT16 INT16 INT32 INT64 STRING BOOL FLOAT16 DOUBLE UINT32 UINT64 COMPLEX64 COMPLEX128".split(
    " ",
  );

/**
 * Rewrites a model of operator sets 1 to 6 as one of 7, in place, with all node names kept: what ONNX Runtime cannot load
 * becomes what it can. Returns whether anything was to be done.
 *
 * Errors: `ERR_BN_DATA` naming the node: a form of an operator that has no counterpart there, or whose rewriting needs the
 * rank of a tensor that the model does not tell.
 *
 * Source: the changelog of the ONNX operators; onnx/version_converter of ONNX does the same one version at a time.
 */
export function upgrade(model: Model): boolean {
  const opset = opsetOf(model);
  if (opset >= TARGET) return false;
  const { graph } = model;
  const ranks = createRanks(graph);
  const stored = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const added: TensorProto[] = [];
  const nodes: NodeProto[] = [];
  for (const [index, node] of graph.node.entries()) {
    if (!isOnnxDomain(node.domain)) {
      nodes.push(node);
      continue;
    }
    const fail = (what: string) =>
      new BnError(
        "ERR_BN_DATA",
        `ONNX model: operator set ${opset}, ${node.opType} node ${labelOf(node, index)}: ${what}; convert the model, e.g. with onnx.version_converter`,
      );
    /** A new initialiser, under a name that is nobody else's. */
    const put = (tensor: TensorProto): string => {
      tensor.name = `@bn/onnx/${index}/${added.length}`;
      added.push(tensor);
      return tensor.name;
    };
    ranks.learn(node);
    const gone = ["consumed_inputs", ...(GONE[node.opType] ?? [])];
    node.attribute = node.attribute.filter(({ name }) => !gone.includes(name));
    if (BROADCAST.has(node.opType)) nodes.push(...broadcast(node, { rankOf: ranks.of, stored, put, fail }));
    else {
      CHANGED[node.opType]?.(node, put, fail);
      nodes.push(node);
    }
  }
  graph.node = nodes;
  graph.initializer.push(...added);
  // IR 4 lets initialisers be no inputs of the graph.
  if (model.irVersion < 4n) model.irVersion = 4n;
  for (const entry of model.opsetImport) if (isOnnxDomain(entry.domain)) entry.version = BigInt(TARGET);
  return true;
}

type Put = (tensor: TensorProto) => string;
type Fail = (what: string) => BnError;

/** What became of other operators between 1 and 7. */
const CHANGED: Readonly<Record<string, (node: NodeProto, put: Put, fail: Fail) => void>> = {
  Reshape(node, put) {
    const shape = take(node, "shape");
    if (shape) node.input = [node.input[0] ?? "", put(intTensor("", shape.ints.map(Number)))];
  },
  Cast(node, _, fail) {
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
    const scales = floatAttribute("scales", 0);
    Object.assign(scales, { type: 6, floats: [1, 1, height.f, width.f] });
    node.attribute.push(scales);
  },
};

interface Broadcasting {
  readonly rankOf: (name: string) => number | undefined;
  readonly stored: ReadonlyMap<string, TensorProto>;
  readonly put: Put;
  readonly fail: Fail;
}

/** B [b1, ...] lies on A's axes from `axis` on: since 7 it says so by trailing ones. */
function broadcast(node: NodeProto, { rankOf, stored, put, fail }: Broadcasting): NodeProto[] {
  const on = take(node, "broadcast");
  const axis = take(node, "axis");
  // PRelu never had the attributes; its slope [C] was on axis 1.
  const at = node.opType === "PRelu" ? 1 : on && on.i !== 0n && axis ? Number(axis.i) : null;
  if (at === null) return [node];
  const [a, b] = node.input as [string, string];
  const [rankA, rankB] = [rankOf(a), rankOf(b)];
  if (rankA === undefined || rankB === undefined) {
    throw fail(`broadcasts by axis ${at}, and the model does not tell the rank of "${rankA === undefined ? a : b}"`);
  }
  const trailing = rankA - (at < 0 ? at + rankA : at) - rankB;
  if (node.opType === "PRelu" && (rankB !== 1 || trailing <= 0)) return [node];
  if (trailing < 0) throw fail(`broadcasts "${b}" (${rankB} axes) from axis ${at} of "${a}" (${rankA} axes)`);
  if (trailing === 0) return [node];
  const tensor = stored.get(b);
  if (tensor) {
    const ones = new Array<bigint>(trailing).fill(1n);
    node.input = [a, put(create(TensorProtoSchema, { ...tensor, dims: [...tensor.dims, ...ones] }))];
    return [node];
  }
  const axes = Array.from({ length: trailing }, (_, i) => rankB + i);
  const wide = `@bn/onnx/${node.output[0]}/wide`;
  node.input = [a, wide];
  return [nodeOf("Unsqueeze", `${wide}/unsqueeze`, [b], [wide], [intsAttribute("axes", axes)]), node];
}

function take(node: NodeProto, name: string): AttributeProto | undefined {
  const found = attributeOf(node, name);
  if (found) node.attribute = node.attribute.filter((attribute) => attribute !== found);
  return found;
}

function replace(node: NodeProto, name: string, by: AttributeProto): void {
  take(node, name);
  node.attribute.push(by);
}
