import type { NodeProto } from "onnx-buf";
import { attributeOf, isOnnxDomain } from "../graph/proto.ts";
import { convolutionLayout, deconvolutionLayout, matrixLayout } from "./layouts.ts";
import type { WeightLayout } from "./weights.ts";

/** The place and layout of the weights of a linear layer. */
export interface Carrier {
  /** Index of the weights among the node's inputs, and of its bias. */
  readonly weights: number;
  /** null if the operator has no bias, as for a MatMul. */
  readonly bias: number | null;
  /** The number by which the operator multiplies its bias: Gemm's beta. */
  readonly biasFactor: number;
  /** The number by which it multiplies every product: Gemm's alpha. */
  readonly factor: number;
  readonly layout: WeightLayout;
  /** The number of axes of its output; null if the weights do not determine it, as for MatMul. */
  readonly rank: number | null;
  /** Whether outputs may read zeros that come from padding. */
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

const conv: Reader = (node, dims) => {
  const layout = convolutionLayout(dims, int(node, "group", 1));
  if (typeof layout === "string") return layout;
  return { weights: 1, bias: 2, biasFactor: 1, factor: 1, layout, rank: dims.length, pads: pads(node) };
};

/** An output near an edge, or between strides, reads fewer inputs than others, as if the rest were padding. */
const convTranspose: Reader = (node, dims) => {
  const layout = deconvolutionLayout(dims, int(node, "group", 1));
  if (typeof layout === "string") return layout;
  return { weights: 1, bias: 2, biasFactor: 1, factor: 1, layout, rank: dims.length, pads: true };
};

/** y = alpha A B + beta C. The layout does not affect alpha, which w' keeps. */
const gemm: Reader = (node, dims) => {
  const layout = matrixLayout(dims, int(node, "transB", 0) !== 0);
  if (typeof layout === "string") return layout;
  return {
    weights: 1,
    bias: 2,
    biasFactor: float(node, "beta", 1),
    factor: float(node, "alpha", 1),
    layout,
    rank: 2,
    pads: false,
  };
};

const matMul: Reader = (_node, dims) => {
  const layout = matrixLayout(dims, false);
  if (typeof layout === "string") return layout;
  return { weights: 1, bias: null, biasFactor: 1, factor: 1, layout, rank: null, pads: false };
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

/** `node` as a carrier with weights of shape `dims`, or a text that says why it is none. */
export function carrierOf(node: NodeProto, dims: readonly number[]): Carrier | string {
  const read = READERS.get(node.opType);
  return read === undefined ? `${node.opType} has no weights to fold into` : read(node, dims);
}
