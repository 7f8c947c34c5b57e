import { buildNet, writeNet, writeWeights } from "@bn/caffe";
import type { LayerRecord, OpenShape } from "@bn/onnx";
import { bad } from "./errors.ts";

/** The files FILE.caffemodel and FILE.prototxt of one layer, and what they hold in words. */
export function caffeFiles(layer: LayerRecord, shape: OpenShape | undefined) {
  const open = shape?.find((size) => typeof size === "string");
  if (open !== undefined) throw bad(`--shape ${shape?.join(",")}: Caffe needs all sizes; give a number for ${open}`);
  const { net, weights } = buildNet(layer, { shape: shape?.map(Number) });
  const types = net.message.layer.map(({ type }) => type).join(", ");
  return { weights: writeWeights(weights), prototxt: writeNet(net), types };
}
