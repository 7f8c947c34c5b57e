import { type BatchNormRecord, isNormRecord, type LayerRecord, type ScaleRecord } from "./record.ts";

/** Merges each Scale that BatchNormalization can express as scale and B into the layer before it. */
export function mergeScales(layers: readonly LayerRecord[], rank: number | undefined): LayerRecord[] {
  const merged: LayerRecord[] = [];
  for (const layer of layers) {
    const before = merged.at(-1);
    if (before && isPlain(before) && layer.type === "Scale" && covers(layer, before, rank)) {
      const { gamma, beta } = layer;
      merged[merged.length - 1] = {
        ...before,
        type: "BatchNormScale",
        gamma: gamma as NonNullable<typeof gamma>,
        beta,
      };
    } else {
      merged.push(layer);
    }
  }
  return merged;
}

/** Whether it is a normalization whose gamma and beta change nothing. */
function isPlain(layer: LayerRecord): layer is BatchNormRecord {
  if (!isNormRecord(layer)) return false;
  const { gamma, beta } = layer;
  return (gamma?.every((value) => value === 1) ?? true) && (beta?.every((value) => value === 0) ?? true);
}

/** Whether the scale covers exactly the channels. */
function covers(scale: ScaleRecord, norm: BatchNormRecord, rank: number | undefined): boolean {
  const canonical = (axis: number) => (axis < 0 && rank !== undefined ? axis + rank : axis);
  return (
    scale.gamma !== null &&
    scale.dtype === norm.dtype &&
    scale.parameterShape.length === 1 &&
    scale.channels === norm.channels &&
    canonical(scale.axis) === canonical(norm.axis)
  );
}
