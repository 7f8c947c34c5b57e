import type { OnnxBatchNorm, OnnxLayer, OnnxScale } from "./read.ts";

/** Each Scale that is BatchNormalization's own scale and B put into the layer before it. */
export function mergeScales(layers: readonly OnnxLayer[], rank: number | undefined): OnnxLayer[] {
  const merged: OnnxLayer[] = [];
  for (const layer of layers) {
    const before = merged.at(-1);
    if (before && "epsilon" in before && !("epsilon" in layer) && belongsTo(layer, before, rank)) {
      merged[merged.length - 1] = {
        ...before,
        scale: layer.scale as OnnxBatchNorm["scale"],
        bias: layer.bias ?? before.bias,
      };
    } else {
      merged.push(layer);
    }
  }
  return merged;
}

/** It covers the channels alone, and there is nothing yet in its place. */
function belongsTo(scale: OnnxScale, norm: OnnxBatchNorm, rank: number | undefined): boolean {
  const canonical = (axis: number) => (axis < 0 && rank !== undefined ? axis + rank : axis);
  return (
    scale.scale !== null &&
    scale.dtype === norm.dtype &&
    scale.shape.length === 1 &&
    scale.shape[0] === norm.mean.length &&
    canonical(scale.axis) === canonical(norm.axis ?? 1) &&
    norm.scale.every((value) => value === 1) &&
    norm.bias.every((value) => value === 0)
  );
}
