import type { Geometry, HostArray } from "@bn/core";
import type { GoldenCase, GoldenTensor } from "./types.ts";

/**
 * The input of a layer of a golden case at one step. All of it comes from Caffe, so that an error in one step does not
 * affect another.
 */
export interface Seen {
  readonly geometry: Geometry;
  /** The layer's bottoms: the inputs of the case, or the top of the layer before it. */
  readonly bottom: readonly GoldenTensor[];
  /** The layer's blobs before the step. */
  readonly blobs: readonly GoldenTensor[];
  /**
   * For a backward: the diff of the layer's top, and the diffs of its blobs before the step, which are null if they are
   * zero.
   */
  readonly topDiff: GoldenTensor | null;
  readonly blobDiffs: readonly GoldenTensor[] | null;
}

/** Throws a RangeError if the step is neither a forward nor a backward. */
export function seenBy({ steps, layers }: GoldenCase, step: number, layer: number): Seen {
  const at = steps[step];
  if (at?.op !== "forward" && at?.op !== "backward") throw new RangeError(`step ${step} computes nothing`);
  const forward = at.op === "backward" ? at.forward : at;
  const before = steps.slice(0, step);
  const lastForward = before.findLast((other) => other.op === "forward");
  const lastSum = before.findLast(({ op }) => op !== "forward");
  return {
    geometry: forward.geometries[layer] as Geometry,
    bottom: layer === 0 ? forward.inputs : [forward.tops[layer - 1] as GoldenTensor],
    blobs: lastForward?.blobs[layer] ?? layers[layer]?.initialBlobs ?? [],
    topDiff: at.op === "backward" ? (at.bottomDiffs[layer + 1]?.[0] ?? at.topDiff) : null,
    blobDiffs: at.op === "backward" && lastSum?.op === "backward" ? (lastSum.paramDiffs[layer] ?? null) : null,
  };
}

/** The scale that a Scale uses: its second bottom, or its first blob. */
export function scaleOf({ bottom, blobs }: Seen): HostArray {
  return ((bottom[1] ?? blobs[0]) as GoldenTensor).data;
}

export function biasOf({ blobs }: Seen, { biasTerm }: { readonly biasTerm: boolean }): HostArray | null {
  return biasTerm ? (blobs[blobs.length - 1] as GoldenTensor).data : null;
}
