import type { Geometry } from "@bn/core";
import type { Arithmetic } from "./arithmetic.ts";
import { replayBatchNorm } from "./replay-batch-norm.ts";
import { replayScale } from "./replay-scale.ts";
import { exact, type Tracked } from "./tracked.ts";
import type { GoldenCase } from "./types.ts";

/**
 * Every output of a case, in the order of `outputsOf`, from its own inputs by the oracle, with the error that
 * `arithmetic` allows. Errors propagate from layer to layer and from step to step, first order: an
 * input of a layer that errs by e adds |d output / d input| e (G-2).
 */
export function replay(one: GoldenCase, arithmetic: Arithmetic): Tracked[] {
  const layers = one.layers.map((layer) =>
    layer.type === "BatchNorm"
      ? replayBatchNorm(layer, one.dtype, arithmetic)
      : replayScale(layer, one.dtype, arithmetic),
  );
  const outputs: Tracked[] = [];
  for (const step of one.steps) {
    if (step.op === "clear_param_diffs") {
      for (const layer of layers) layer.clearParamDiffs();
    } else if (step.op === "forward") {
      let bottom = step.inputs.map(({ data }) => exact(data));
      for (const [i, layer] of layers.entries()) {
        const top = layer.forward(bottom, step.geometries[i] as Geometry);
        outputs.push(top, ...layer.blobs);
        bottom = [top];
      }
    } else {
      let dy = exact(step.topDiff.data);
      for (const layer of layers.toReversed()) {
        const diffs = layer.backward(dy);
        outputs.push(...diffs, ...layer.blobDiffs);
        dy = diffs[0] as Tracked;
      }
    }
  }
  return outputs;
}
