import type { NetworkLayer } from "./network.ts";

export interface SharedLayers {
  readonly layers: readonly NetworkLayer[];
  /** Names of parameters whose copies in the file differ. */
  readonly differing: readonly string[];
}

/**
 * Makes blobs of several layers with the same `param { name }` one blob. As in Caffe, it is the blob that is copied
 * last, in the order of the weights. A layer that is missing in the weights gets it too.
 *
 * Source: BVLC Caffe, `Net::AppendParam`, `Net::CopyTrainedLayersFrom`.
 */
export function shareBlobs(layers: readonly NetworkLayer[], orderOf: (layer: NetworkLayer) => number): SharedLayers {
  const shared = new Map<string, Uint8Array>();
  const differing = new Set<string>();
  for (const { blobs, param } of layers.toSorted((a, b) => orderOf(a) - orderOf(b))) {
    for (const [index, { name }] of param.param.entries()) {
      const bytes = blobs[index];
      if (name === "" || !bytes) continue;
      const before = shared.get(name);
      if (before && !sameBytes(before, bytes)) differing.add(name);
      shared.set(name, bytes);
    }
  }
  if (shared.size === 0) return { layers, differing: [] };
  return { layers: layers.map((layer) => ({ ...layer, blobs: withShared(layer, shared) })), differing: [...differing] };
}

/** A layer's blobs up to the first one that is missing. */
function withShared({ blobs, param }: NetworkLayer, shared: ReadonlyMap<string, Uint8Array>): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let i = 0; i < Math.max(blobs.length, param.param.length); i++) {
    const bytes = shared.get(param.param[i]?.name ?? "") ?? blobs[i];
    if (!bytes) break;
    found.push(bytes);
  }
  return found;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
