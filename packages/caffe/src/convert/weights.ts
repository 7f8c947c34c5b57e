import { type CaffeBlob, decodeBlob } from "../binary/blob.ts";
import type { Network, NetworkLayer } from "../net/network.ts";

/** The blobs of a network's layers. */
export interface Stored {
  /** Blob `index` of a layer. Errors: as `decodeBlob`. */
  blob(layer: NetworkLayer, index: number): CaffeBlob | undefined;
  /** Names of parameters that several layers share, whose blobs are not all the same. */
  readonly differing: readonly string[];
}

/** A blob that is several layers' by `param { name }`. */
interface Shared {
  readonly bytes: Uint8Array;
  readonly from: string;
  readonly index: number;
}

/**
 * Blobs that share the name of a parameter are one, as in Caffe: the one that was copied last, in the order of the
 * weights.
 */
export function storedBlobs({ layers, weights }: Network): Stored {
  const order = new Map((weights?.message.layer ?? []).map(({ name }, i) => [name, i]));
  const rank = ({ name }: NetworkLayer) => order.get(name) ?? -1;
  const shared = new Map<string, Shared>();
  const differing = new Set<string>();
  for (const layer of layers.toSorted((a, b) => rank(a) - rank(b))) {
    for (const [index, { name }] of layer.param.param.entries()) {
      const bytes = layer.blobs[index];
      if (name === "" || !bytes) continue;
      const before = shared.get(name);
      if (before && !sameBytes(before.bytes, bytes)) differing.add(name);
      shared.set(name, { bytes, from: layer.name, index });
    }
  }
  return {
    blob(layer, index) {
      const own = layer.blobs[index];
      const found =
        shared.get(layer.param.param[index]?.name ?? "") ?? (own && { bytes: own, from: layer.name, index });
      const file = weights?.file ?? "weights";
      return found && decodeBlob(found.bytes, `${file}: layer "${found.from}", blob ${found.index}`);
    },
    differing: [...differing],
  };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
