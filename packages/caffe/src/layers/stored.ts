import { type CaffeBlob, decodeBlob } from "../binary/blob.ts";
import type { Network, NetworkLayer } from "../net/network.ts";

/** A layer's blobs as the file contains them. */
export interface StoredLayer {
  readonly name: string;
  readonly type: string;
  readonly blobs: readonly CaffeBlob[];
}

/** Reads the blobs of a layer. Errors: `ERR_BN_DATA` as for `decodeBlob`. */
export function storedLayer(layer: NetworkLayer, { weights, net }: Network): StoredLayer {
  const file = (weights ?? net).file;
  const blobs = layer.blobs.map((bytes, i) =>
    decodeBlob(bytes, `${file}: layer "${layer.name}" (${layer.type}), blob ${i}`),
  );
  return { name: layer.name, type: layer.type, blobs };
}

/**
 * The number of values of a shape with one axis larger than 1, like legacy shapes and [1, C, 1, 1]; -1 for other
 * shapes.
 */
export function channelsOf({ shape, data }: CaffeBlob): number {
  return shape.filter((size) => size !== 1).length <= 1 ? data.length : -1;
}
