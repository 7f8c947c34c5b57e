import type { NodeProto } from "onnx-buf";
import { attributeOf, type Model, tensorTypeOf } from "../graph/proto.ts";
import { isNorm } from "../layers/nodes.ts";

/**
 * Tells the size of an open axis of an input, as far as the model implies it, and whether the input is a parameter of a
 * normalization.
 */
export type SizeOf = (
  name: string,
  rank: number,
) => { readonly sizes: Readonly<Record<number, number>>; readonly isParameter: boolean };

/** Operators whose output has the sizes of their input, so that the next node implies them too. */
const KEEPS = new Set(
  "Add Sub Mul Div Cast Identity Clip Relu LeakyRelu Sigmoid Tanh Pad Dropout MaxPool AveragePool Abs Neg Transpose".split(
    " ",
  ),
);
const RECURRENT = new Set(["LSTM", "GRU", "RNN"]);
/** The number of tensors that are examined for one input, and of readers for each. */
const [MOST, MOST_READERS] = [64, 8];

type DimsOf = (name: string) => readonly number[] | undefined;

/**
 * The sizes of inputs that the weights imply: those of the first node that reads the input, possibly after nodes that
 * keep sizes or move axes. An input that is a parameter of a normalization has as many values as its other parameters,
 * or as X has channels. Nodes and weights are listed once, because a file may contain a hundred thousand of each.
 */
export function sizesIn({ graph }: Model): SizeOf {
  const readers = new Map<string, NodeProto[]>();
  const dims = new Map(graph.initializer.map((tensor) => [tensor.name, tensor.dims.map(Number)]));
  const declared = new Map(
    [...graph.input, ...graph.valueInfo].map((value) => {
      const shape = tensorTypeOf(value)?.shape;
      return [
        value.name,
        shape?.dim.map(({ value }) => (value.case === "dimValue" ? Number(value.value) : -1)),
      ] as const;
    }),
  );
  for (const node of graph.node) {
    for (const x of new Set(node.input)) readers.set(x, [...(readers.get(x) ?? []), node].slice(0, MOST_READERS));
    const value = node.opType === "Constant" ? attributeOf(node, "value")?.t : undefined;
    if (value && !dims.has(node.output[0] ?? "")) dims.set(node.output[0] ?? "", value.dims.map(Number));
  }
  const dimsOf: DimsOf = (name) => dims.get(name);
  return (name, rank) => {
    const passed = new Set<string>();
    // `axes[i]` is the axis of the input that corresponds to axis i here.
    const open = [{ name, axes: Array.from({ length: rank }, (_, i) => i) }];
    for (const { name: one, axes } of open) {
      if (passed.has(one) || passed.size > MOST) continue;
      passed.add(one);
      for (const node of readers.get(one) ?? []) {
        const parameter = isNorm(node) && one !== node.input[0];
        const told = parameter ? ([0, channelsOf(node, dimsOf, declared)] as const) : toldBy(node, dimsOf);
        const [axis, size] = told ?? ([0, undefined] as const);
        const at = axes.at(axis);
        if (size !== undefined && size > 0 && at !== undefined)
          return { sizes: { [at]: size }, isParameter: parameter };
        if (parameter) return { sizes: {}, isParameter: true };
        if (KEEPS.has(node.opType)) open.push({ name: node.output[0] ?? "", axes: moved(node, axes) });
      }
    }
    return { sizes: {}, isParameter: false };
  };
}

/** The size that a node's weights require for an axis of its first input. Negative axes count from the end. */
function toldBy(node: NodeProto, dimsOf: DimsOf): readonly [axis: number, size: number | undefined] | null {
  const { opType, input } = node;
  const weights = dimsOf(input[1] ?? "");
  const flag = (name: string) => (attributeOf(node, name)?.i ?? 0n) !== 0n;
  if (opType === "Conv") return [1, weights && (weights[1] ?? 0) * Number(attributeOf(node, "group")?.i ?? 1n)];
  if (opType === "ConvTranspose") return [1, weights?.[0]];
  if (opType === "BatchNormalization" || opType === "InstanceNormalization") return [1, weights?.[0]];
  if (opType === "Gemm") return [flag("transA") ? 0 : 1, weights?.[flag("transB") ? 1 : 0]];
  if (opType === "MatMul") return [-1, weights?.at(-2) ?? weights?.[0]];
  if (opType === "LayerNormalization") return [-1, weights?.at(-1)];
  if (RECURRENT.has(opType)) return [2, weights?.[2]];
  // The node has a constant of shape [1, C, 1, 1].
  const wide = KEEPS.has(opType) ? input.map(dimsOf).find((one) => one !== undefined && one.length >= 3) : undefined;
  return (wide?.at(-3) ?? 1) > 1 ? [-3, wide?.at(-3)] : null;
}

/** The number of channels of a normalization, from its other parameters or the shape of X. */
function channelsOf(
  { input }: NodeProto,
  dimsOf: DimsOf,
  declared: ReadonlyMap<string, readonly number[] | undefined>,
): number | undefined {
  const others = input.slice(1).map((name) => dimsOf(name)?.[0] ?? declared.get(name)?.[0]);
  return [...others, declared.get(input[0] ?? "")?.[1]].find((size) => size !== undefined && size > 0);
}

function moved(node: NodeProto, axes: readonly number[]): number[] {
  if (node.opType !== "Transpose") return [...axes];
  const order = attributeOf(node, "perm")?.ints.map(Number) ?? axes.map((_, i) => i).reverse();
  return order.map((i) => axes[i] ?? -1);
}
