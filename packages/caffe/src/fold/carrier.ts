import { convolutionLayout, deconvolutionLayout, matrixLayout, type WeightLayout } from "@bn/onnx";
import type { CaffeBlob } from "../binary/blob.ts";
import type { NetworkLayer } from "../net/network.ts";
import type { LayerParameter } from "../schema/caffe_pb.ts";

/** The layout of a layer type's weights, and the field that says whether it has a bias. */
interface CarrierType {
  layout(param: LayerParameter, dims: readonly number[]): WeightLayout | string;
  /** True unless `bias_term: false`. */
  hasBias(param: LayerParameter): boolean;
  setBias(param: LayerParameter): void;
}

const convolution = (layout: typeof convolutionLayout): CarrierType => ({
  layout: ({ convolutionParam }, dims) => layout(dims, convolutionParam?.group ?? 1),
  hasBias: ({ convolutionParam }) => convolutionParam?.biasTerm ?? true,
  setBias: ({ convolutionParam }) => {
    if (convolutionParam) convolutionParam.biasTerm = true;
  },
});

const CARRIERS: ReadonlyMap<string, CarrierType> = new Map([
  ["Convolution", convolution(convolutionLayout)],
  ["Deconvolution", convolution(deconvolutionLayout)],
  [
    "InnerProduct",
    {
      layout({ innerProductParam }, dims) {
        const axis = innerProductParam?.axis ?? 1;
        if (axis !== 1) return `its outputs are on axis ${axis}, and channels must be on axis 1`;
        const matrix = dims.length === 4 ? dims.slice(2) : dims; // legacy shapes begin with 1, 1
        return matrixLayout(matrix, !(innerProductParam?.transpose ?? false));
      },
      hasBias: ({ innerProductParam }) => innerProductParam?.biasTerm ?? true,
      setBias({ innerProductParam }) {
        if (innerProductParam) innerProductParam.biasTerm = true;
      },
    },
  ],
]);

export function isCarrier({ type }: Pick<NetworkLayer, "type">): boolean {
  return CARRIERS.has(type);
}

/** A layer that normalizations can be folded into. */
export interface Weighted {
  readonly layout: WeightLayout;
  readonly weights: CaffeBlob;
  /** One value per output, or null. */
  readonly bias: CaffeBlob | null;
  readonly setBias: (param: LayerParameter) => void;
}

/** A layer's weights by output, or a text that says why nothing can be folded into them. */
export function weightedOf(layer: NetworkLayer, blobs: readonly CaffeBlob[]): Weighted | string {
  const carrier = CARRIERS.get(layer.type);
  if (carrier === undefined) return `${layer.type} has no weights to fold into`;
  const [weights, bias = null] = blobs;
  if (weights === undefined) return "its weights are not in the file";
  const layout = carrier.layout(layer.param, weights.shape);
  if (typeof layout === "string") return layout;
  if (carrier.hasBias(layer.param) !== (bias !== null))
    return "the net and the weights disagree on whether it has a bias";
  if (bias !== null && bias.data.length !== layout.outputs) {
    return `its bias has ${bias.data.length} values for ${layout.outputs} outputs`;
  }
  if (layer.param.param.some(({ name }) => name !== "")) return "its weights are shared by name with other layers";
  return { layout, weights, bias, setBias: carrier.setBias };
}
