import type { NodeProto } from "onnx-buf";
import { attributeOf, intOf, isOnnxDomain, textOf } from "../graph/proto.ts";
import { convolutionLayout, deconvolutionLayout, matrixLayout } from "./layouts.ts";
import type { WeightLayout } from "./weights.ts";

/** The place and layout of the weights of a linear layer. */
export interface Carrier {
  /** Index of the bias among the node's inputs; null if the operator has none, as for a MatMul. */
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

/** The layout of a node's weights, or a text that says why they have none, and what differs from `COMMON`. */
type Reader = (
  node: NodeProto,
  dims: readonly number[],
) => { readonly layout: WeightLayout | string; readonly rank: number | null } & Partial<Omit<Carrier, "layout">>;

const COMMON = { bias: 2, biasFactor: 1, factor: 1, pads: false };

const float = (node: NodeProto, name: string) => attributeOf(node, name)?.f ?? 1;

function pads(node: NodeProto): boolean {
  if (textOf(node, "auto_pad").startsWith("SAME_")) return true;
  return attributeOf(node, "pads")?.ints.some((pad) => pad !== 0n) ?? false;
}

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  [
    "Conv",
    (node, dims) => {
      const layout = convolutionLayout(dims, intOf(node, "group", 1));
      return { layout, rank: dims.length, pads: pads(node) };
    },
  ],
  [
    "ConvTranspose",
    // An output near an edge, or between strides, reads fewer inputs than others, as if the rest were padding.
    (node, dims) => ({ layout: deconvolutionLayout(dims, intOf(node, "group", 1)), rank: dims.length, pads: true }),
  ],
  [
    "Gemm",
    // y = alpha A B + beta C. The layout does not affect alpha, which w' keeps.
    (node, dims) => {
      const layout = matrixLayout(dims, intOf(node, "transB", 0) !== 0);
      return { layout, rank: 2, biasFactor: float(node, "beta"), factor: float(node, "alpha") };
    },
  ],
  ["MatMul", (_, dims) => ({ layout: matrixLayout(dims, false), rank: null, bias: null })],
]);

export function isCarrier(node: NodeProto): boolean {
  return isOnnxDomain(node.domain) && READERS.has(node.opType);
}

/** `node` as a carrier with weights of shape `dims`, or a text that says why it is none. */
export function carrierOf(node: NodeProto, dims: readonly number[]): Carrier | string {
  const found = READERS.get(node.opType)?.(node, dims);
  if (found === undefined) return `${node.opType} has no weights to fold into`;
  const { layout, ...own } = found;
  return typeof layout === "string" ? layout : { ...COMMON, ...own, layout };
}
