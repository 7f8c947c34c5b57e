import type { Geometry } from "@bn/core";
import type { GoldenCase, GoldenTensor } from "./types.ts";

/** One tensor that Caffe computed. Every list about a case has the order of `outputsOf`. */
export interface Output {
  /** `step 2 layer 0 top`, `... blobs[1]`, `... bottom[0].diff`, `... blobs[0].diff`. */
  readonly what: string;
  readonly kind: "top" | "blob" | "bottomDiff" | "blobDiff";
  readonly step: number;
  readonly layer: number;
  /** The index of the blob or bottom. */
  readonly part: number;
  readonly tensor: GoldenTensor;
  /** The geometry of the tensor, and of the layer's bottom[0]. */
  readonly geometry: Geometry;
  readonly layerGeometry: Geometry;
}

/**
 * Lists outputs step by step: for forward, from the first layer, the top and then its blobs; for backward, from the
 * last layer, bottoms and then blobs.
 */
export function outputsOf({ steps, layers }: GoldenCase): Output[] {
  const outputs: Output[] = [];
  for (const [step, one] of steps.entries()) {
    if (one.op === "clear_param_diffs") continue;
    const { geometries } = one.op === "forward" ? one : one.forward;
    const add = (layer: number, kind: Output["kind"], name: string, part: number, tensor: GoldenTensor | undefined) => {
      if (!tensor) return;
      const whole = kind === "top" || (kind === "bottomDiff" && part === 0);
      const layerGeometry = geometries[layer] as Geometry;
      const geometry = whole ? layerGeometry : { outer: 1, channels: tensor.data.length, inner: 1 };
      const what = `step ${step} layer ${layer} ${name}`;
      outputs.push({ what, kind, step, layer, part, tensor, geometry, layerGeometry });
    };
    if (one.op === "forward") {
      for (const layer of layers.keys()) {
        add(layer, "top", "top", 0, one.tops[layer]);
        for (const [i, blob] of (one.blobs[layer] ?? []).entries()) add(layer, "blob", `blobs[${i}]`, i, blob);
      }
    } else {
      for (let layer = layers.length - 1; layer >= 0; layer--) {
        for (const [i, diff] of (one.bottomDiffs[layer] ?? []).entries()) {
          add(layer, "bottomDiff", `bottom[${i}].diff`, i, diff);
        }
        for (const [i, diff] of (one.paramDiffs[layer] ?? []).entries()) {
          add(layer, "blobDiff", `blobs[${i}].diff`, i, diff);
        }
      }
    }
  }
  return outputs;
}

/** The inputs of the case: bottoms, top diffs and the initial blobs. */
export function inputsOf({ steps, layers }: GoldenCase): { what: string; tensor: GoldenTensor }[] {
  const inputs = layers.flatMap(({ initialBlobs }, layer) =>
    initialBlobs.map((tensor, i) => ({ what: `layer ${layer} initial blobs[${i}]`, tensor })),
  );
  for (const [step, one] of steps.entries()) {
    if (one.op === "forward") {
      for (const [i, tensor] of one.inputs.entries()) inputs.push({ what: `step ${step} bottom[${i}]`, tensor });
    } else if (one.op === "backward") inputs.push({ what: `step ${step} top.diff`, tensor: one.topDiff });
  }
  return inputs;
}
