import { V0LayerParameterSchema, type V1LayerParameter, V1LayerParameterSchema } from "../schema/caffe_pb.ts";
import type { Mover } from "./moved.ts";

/**
 * The layers of V0 without those of type "padding", whose padding becomes a field of the convolution or pooling after
 * them. Reports an error if another layer follows one.
 *
 * Source: BVLC Caffe, `UpgradeV0PaddingLayers`.
 */
export function foldPadding(layers: readonly V1LayerParameter[], mover: Mover): readonly V1LayerParameter[] | string {
  const maker = new Map<string, V1LayerParameter>();
  const kept: V1LayerParameter[] = [];
  for (const one of layers) {
    let layer = one;
    for (const [i, bottom] of one.bottom.entries()) {
      const source = maker.get(bottom);
      const padding = source?.layer;
      if (!source || !padding || padding.type !== "padding" || !one.layer) continue;
      if (!["conv", "pool"].includes(one.layer.type)) {
        return `layer "${one.layer.name}" of type ${one.layer.type} after a padding layer, expected conv or pool`;
      }
      layer = mover.copy(V1LayerParameterSchema, one);
      layer.layer = mover.copy(V0LayerParameterSchema, one.layer);
      layer.layer.pad = padding.pad;
      layer.bottom = one.bottom.with(i, source.bottom[0] ?? "");
    }
    for (const top of layer.top) maker.set(top, layer);
    if (layer.layer?.type !== "padding") kept.push(layer);
  }
  return kept;
}
