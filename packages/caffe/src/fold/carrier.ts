import { convolutionLayout, deconvolutionLayout, matrixLayout, type WeightLayout } from "@bn/onnx";
import type { CaffeBlob } from "../binary/blob.ts";
import type { NetworkLayer } from "../net/network.ts";
import type { LayerParameter } from "../schema/caffe_pb.ts";

type Layout = (param: LayerParameter, dims: readonly number[]) => WeightLayout | string;

/** The layout of the weights of each layer type that has some. */
const LAYOUTS: ReadonlyMap<string, Layout> = new Map<string, Layout>([
  ["Convolution", ({ convolutionParam }, dims) => convolutionLayout(dims, convolutionParam?.group ?? 1)],
  ["Deconvolution", ({ convolutionParam }, dims) => deconvolutionLayout(dims, convolutionParam?.group ?? 1)],
  [
    "InnerProduct",
    ({ innerProductParam }, dims) => {
      const axis = innerProductParam?.axis ?? 1;
      if (axis !== 1) return `its outputs are on axis ${axis}, and channels must be on axis 1`;
      const matrix = dims.length === 4 ? dims.slice(2) : dims; // legacy shapes begin with 1, 1
      return matrixLayout(matrix, !(innerProductParam?.transpose ?? false));
    },
  ],
]);

/** The message that says, by `bias_term`, whether a layer with weights has a bias. */
export function biasParamOf({ type, convolutionParam, innerProductParam }: LayerParameter) {
  return type === "InnerProduct" ? innerProductParam : convolutionParam;
}

export function isCarrier({ type }: Pick<NetworkLayer, "type">): boolean {
  return LAYOUTS.has(type);
}

/** A layer that normalizations can be folded into. */
export interface Weighted {
  readonly layout: WeightLayout;
  readonly weights: CaffeBlob;
  /** One value per output, or null. */
  readonly bias: CaffeBlob | null;
}

/** A layer's weights by output, or a text that says why nothing can be folded into them. */
export function weightedOf(layer: NetworkLayer, blobs: readonly CaffeBlob[]): Weighted | string {
  const layoutOf = LAYOUTS.get(layer.type);
  if (layoutOf === undefined) return `${layer.type} has no weights to fold into`;
  const [weights, bias = null] = blobs;
  if (weights === undefined) return "its weights are not in the file";
  const layout = layoutOf(layer.param, weights.shape);
  if (typeof layout === "string") return layout;
  if ((biasParamOf(layer.param)?.biasTerm ?? true) !== (bias !== null))
    return "the net and the weights disagree on whether it has a bias";
  if (bias !== null && bias.data.length !== layout.outputs) {
    return `its bias has ${bias.data.length} values for ${layout.outputs} outputs`;
  }
  if (layer.param.param.some(({ name }) => name !== "")) return "its weights are shared by name with other layers";
  return { layout, weights, bias };
}
