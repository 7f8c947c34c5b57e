import type * as core from "@bn/core";
import type { Blob, HostBuffer } from "@bn/core";

export type Core = typeof core;
export type Layer = core.Layer;
export type Call = "forward" | "backward";
/** The bottom and top of a call, in either order. */
export interface Blobs {
  readonly bottom: readonly Blob[];
  readonly top: readonly Blob[];
}

/** The values themselves. Mutants are planted above a backend whose memory the host sees. */
export function viewOf(blob: Blob, part: "data" | "diff"): Float32Array | Float64Array {
  return (blob[part] as HostBuffer).view.subarray(0, blob.count()) as Float32Array | Float64Array;
}

/** The members of a layer with an action before a call, and an action after it that gets its result. */
export function around<T>(
  layer: Layer,
  call: Call,
  before: (blobs: Blobs, turn: number) => T,
  after: (blobs: Blobs, kept: T, turn: number) => void,
): Partial<Layer> {
  let turn = 0;
  if (call === "forward") {
    return {
      forward(bottom, top) {
        layer.reshape(bottom, top); // as forward does first, so that top has its final size
        const kept = before({ bottom, top }, turn);
        layer.forward(bottom, top);
        after({ bottom, top }, kept, turn++);
      },
    };
  }
  return {
    backward(top, propagateDown, bottom) {
      const kept = before({ bottom, top }, turn);
      layer.backward(top, propagateDown, bottom);
      after({ bottom, top }, kept, turn++);
    },
  };
}
