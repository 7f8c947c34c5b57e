import type { NodeProto } from "onnx-buf";
import { attributeOf, type Model } from "../graph/proto.ts";
import { isNorm } from "../layers/nodes.ts";

/** What a model tells of an input that it leaves open: sizes by axis, and whether it is a parameter of a normalization. */
export type SizeOf = (
  name: string,
  rank: number,
) => { readonly sizes: Readonly<Record<number, number>>; readonly isParameter: boolean };

/** Operators whose output has the sizes of their input where the network looks the same to the next one. */
const KEEPS = new Set(
  "Add Sub Mul Div Cast Identity Clip Relu LeakyRelu Sigmoid Tanh Pad Dropout MaxPool AveragePool Abs Neg Transpose".split(
    " ",
  ),
);
const RECURRENT = new Set(["LSTM", "GRU", "RNN"]);
/** Tensors that are looked at for one input, and readers of each. */
const [MOST, MOST_READERS] = [64, 8];

type DimsOf = (name: string) => readonly number[] | undefined;

/**
 * Sizes of inputs, as the weights of the first node tell them that they go into, through nodes that keep sizes or move axes.
 * A parameter of a normalization that is an input has as many values as its other parameters, or as X has channels. Nodes and
 * weights are listed once: a file may hold a hundred thousand of each.
 */
export function sizesIn({ graph }: Model): SizeOf {
  const readers = new Map<string, NodeProto[]>();
  const dims = new Map(graph.initializer.map((tensor) => [tensor.name, tensor.dims.map(Number)]));
  const declared = new Map(
    [...graph.input, ...graph.valueInfo].map(({ name, type }) => {
      const shape = type?.value.case === "tensorType" ? type.value.value.shape : undefined;
      return [name, shape?.dim.map(({ value }) => (value.case === "dimValue" ? Number(value.value) : -1))] as const;
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
    // `axes[i]` is the axis of the input that lies on axis i here.
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

/** The size that a node's weights ask of an axis of its first input; axes below 0 count from the end. */
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
  // A constant of [1, C, 1, 1] beside it.
  const wide = KEEPS.has(opType) ? input.map(dimsOf).find((one) => one !== undefined && one.length >= 3) : undefined;
  return (wide?.at(-3) ?? 1) > 1 ? [-3, wide?.at(-3)] : null;
}

/** Channels of a normalization, as its other parameters or the shape of X tell them. */
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
