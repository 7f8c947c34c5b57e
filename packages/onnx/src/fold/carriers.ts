import type { NodeProto } from "onnx-buf";
import { attributeOf, isOnnxDomain } from "../graph/proto.ts";
import type { WeightLayout } from "./weights.ts";

/** Where a linear layer keeps its weights, and how they are laid out. */
export interface Carrier {
  /** Index of the weights among the node's inputs, and of its bias. */
  readonly weights: number;
  /** null where the operator takes no bias: a MatMul. */
  readonly bias: number | null;
  /** What the operator multiplies its bias by: Gemm's beta. */
  readonly biasFactor: number;
  readonly layout: WeightLayout;
  /** Of its output; null where the weights do not tell, as for MatMul. */
  readonly rank: number | null;
  /** True if outputs may read zeros that padding put there. */
  readonly pads: boolean;
}

type Reader = (node: NodeProto, dims: readonly number[]) => Carrier | string;

const int = (node: NodeProto, name: string, absent: number) => Number(attributeOf(node, name)?.i ?? absent);
const float = (node: NodeProto, name: string, absent: number) => attributeOf(node, name)?.f ?? absent;

function pads(node: NodeProto): boolean {
  const auto = new TextDecoder().decode(attributeOf(node, "auto_pad")?.s ?? new Uint8Array());
  if (auto === "SAME_UPPER" || auto === "SAME_LOWER") return true;
  return attributeOf(node, "pads")?.ints.some((pad) => pad !== 0n) ?? false;
}

/** W is [outputs][inputs / group][kernel...]. */
const conv: Reader = (node, dims) => {
  const [outputs = 0, perGroup = 0] = dims;
  const group = int(node, "group", 1);
  if (dims.length < 3) return `its weights have shape [${dims}], expected 3 axes or more`;
  if (group < 1 || outputs % group !== 0) return `group is ${group} for ${outputs} outputs`;
  const kernel = dims.slice(2).reduce((a, b) => a * b, 1);
  const outputsOfGroup = outputs / group;
  const out = (i: number) => Math.floor(i / (perGroup * kernel));
  const layout = {
    outputs,
    inputs: perGroup * group,
    out,
    in: (i: number) => Math.floor(out(i) / outputsOfGroup) * perGroup + (Math.floor(i / kernel) % perGroup),
  };
  return { weights: 1, bias: 2, biasFactor: 1, layout, rank: dims.length, pads: pads(node) };
};

/** W is [inputs][outputs / group][kernel...]. */
const convTranspose: Reader = (node, dims) => {
  const [inputs = 0, perGroup = 0] = dims;
  const group = int(node, "group", 1);
  if (dims.length < 3) return `its weights have shape [${dims}], expected 3 axes or more`;
  if (group < 1 || inputs % group !== 0) return `group is ${group} for ${inputs} inputs`;
  const kernel = dims.slice(2).reduce((a, b) => a * b, 1);
  const inputsOfGroup = inputs / group;
  const from = (i: number) => Math.floor(i / (perGroup * kernel));
  const layout = {
    outputs: perGroup * group,
    inputs,
    in: from,
    out: (i: number) => Math.floor(from(i) / inputsOfGroup) * perGroup + (Math.floor(i / kernel) % perGroup),
  };
  // An output near an edge, or between strides, reads fewer inputs than others: as if the rest were padding.
  return { weights: 1, bias: 2, biasFactor: 1, layout, rank: dims.length, pads: true };
};

/** B is [inputs][outputs], or its transpose. */
function matrix(dims: readonly number[], transposed: boolean): WeightLayout | string {
  const [rows = 0, columns = 0] = dims;
  if (dims.length !== 2) return `its weights have shape [${dims}], expected 2 axes`;
  const row = (i: number) => Math.floor(i / columns);
  const column = (i: number) => i % columns;
  return transposed
    ? { outputs: rows, inputs: columns, out: row, in: column }
    : { outputs: columns, inputs: rows, out: column, in: row };
}

/** y = alpha A B + beta C: the layout has no say in alpha, which w' keeps. */
const gemm: Reader = (node, dims) => {
  const layout = matrix(dims, int(node, "transB", 0) !== 0);
  if (typeof layout === "string") return layout;
  return { weights: 1, bias: 2, biasFactor: float(node, "beta", 1), layout, rank: 2, pads: false };
};

const matMul: Reader = (_node, dims) => {
  const layout = matrix(dims, false);
  if (typeof layout === "string") return layout;
  return { weights: 1, bias: null, biasFactor: 1, layout, rank: null, pads: false };
};

const READERS: ReadonlyMap<string, Reader> = new Map([
  ["Conv", conv],
  ["ConvTranspose", convTranspose],
  ["Gemm", gemm],
  ["MatMul", matMul],
]);

export function isCarrier(node: NodeProto): boolean {
  return isOnnxDomain(node.domain) && READERS.has(node.opType);
}

/** The carrier that `node` is, with weights of shape `dims`; as text, why it is none. */
export function carrierOf(node: NodeProto, dims: readonly number[]): Carrier | string {
  const read = READERS.get(node.opType);
  return read === undefined ? `${node.opType} has no weights to fold into` : read(node, dims);
}
