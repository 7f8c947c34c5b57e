import type { GraphProto, NodeProto } from "onnx-buf";
import { attributeOf, tensorTypeOf } from "./proto.ts";

/** The numbers of axes of tensors: those that the graph declares, and those that can be derived node by node. */
export interface Ranks {
  of(name: string): number | undefined;
  /** Derives the ranks of the outputs of a node whose inputs are known. */
  learn(node: NodeProto): void;
}

/** Operators whose output has as many axes as their first input. */
const SAME = new Set(
  (
    "Abs Add And AveragePool BatchNormalization Cast Ceil Clip Concat Conv ConvTranspose Div Dropout Elu Equal Exp Floor " +
    "GlobalAveragePool GlobalLpPool GlobalMaxPool Greater HardSigmoid Identity InstanceNormalization LRN LeakyRelu Less Log " +
    "LogSoftmax LpNormalization LpPool Max MaxPool Mean Min Mul Neg Not Or PRelu Pad Pow Reciprocal Relu Selu Sigmoid Slice " +
    "Softmax Softplus Softsign Split Sqrt Sub Sum Tanh Tile Transpose Upsample Xor"
  ).split(" "),
);
const FIXED: ReadonlyMap<string, number> = new Map([
  ["Flatten", 2],
  ["Gemm", 2],
  ["Shape", 1],
]);

/** `outer` is the ranks of the enclosing graph, for a subgraph. */
export function createRanks(graph: GraphProto, outer?: Ranks): Ranks {
  const ranks = new Map<string, number>();
  for (const value of [...graph.input, ...graph.output, ...graph.valueInfo]) {
    const shape = tensorTypeOf(value)?.shape;
    if (shape) ranks.set(value.name, shape.dim.length);
  }
  // For Reshape: the length of its second input is the rank of its output.
  const lengths = new Map<string, number>();
  for (const { name, dims } of graph.initializer) {
    ranks.set(name, dims.length);
    lengths.set(name, Number(dims[0] ?? 0n));
  }
  const of = (name: string) => ranks.get(name) ?? outer?.of(name);
  return {
    of,
    learn(node) {
      const rank = rankOf(node, of, lengths);
      if (rank === undefined) return;
      for (const output of node.output) if (!ranks.has(output)) ranks.set(output, rank);
    },
  };
}

function rankOf(
  node: NodeProto,
  of: (name: string) => number | undefined,
  lengths: ReadonlyMap<string, number>,
): number | undefined {
  const { opType, input } = node;
  const first = of(input[0] ?? "");
  if (SAME.has(opType)) return first;
  if (opType === "MatMul" && of(input[1] ?? "") === 2) return first;
  if (opType === "Constant") return attributeOf(node, "value")?.t?.dims.length;
  if (opType === "Reshape") return attributeOf(node, "shape")?.ints.length ?? lengths.get(input[1] ?? "");
  const axes = attributeOf(node, "axes")?.ints.length;
  if (opType === "Unsqueeze" && axes !== undefined) return first === undefined ? undefined : first + axes;
  if (opType === "Squeeze" && axes !== undefined) return first === undefined ? undefined : first - axes;
  return FIXED.get(opType);
}
