import type { CaffeFile } from "../file.ts";
import type { Network } from "../net/network.ts";
import type { LayerParameter } from "../schema/caffe_pb.ts";

/** Weights in which every layer has its own copy of what it shares. */
export interface Unshared {
  readonly weights: CaffeFile;
  /** Names of parameters whose copies in the file are not all the same. */
  readonly differing: readonly string[];
}

/**
 * Blobs that share a `param { name }` are one, as in Caffe: the one that was copied last, in the order of the weights. A
 * layer that the weights lack gets it too.
 */
export function unshareBlobs({ layers, net, weights }: Network): Unshared {
  const file = weights ?? net;
  const order = new Map(file.message.layer.map(({ name }, i) => [name, i]));
  const rank = (name: string) => order.get(name) ?? -1;
  const shared = new Map<string, Uint8Array>();
  const differing = new Set<string>();
  const sharing = layers.filter(({ param }) => param.param.some(({ name }) => name !== ""));
  if (sharing.length === 0) return { weights: file, differing: [] };
  for (const { blobs, param } of sharing.toSorted((a, b) => rank(a.name) - rank(b.name))) {
    for (const [index, { name }] of param.param.entries()) {
      const bytes = blobs[index];
      if (name === "" || !bytes) continue;
      const before = shared.get(name);
      if (before && !sameBytes(before, bytes)) differing.add(name);
      shared.set(name, bytes);
    }
  }
  const others = file.message.layer.filter(({ name }) => !sharing.some((layer) => layer.name === name));
  const copies = sharing.map(({ param, blobs }): LayerParameter => {
    const count = Math.max(blobs.length, param.param.length);
    const all = Array.from({ length: count }, (_, i) => shared.get(param.param[i]?.name ?? "") ?? blobs[i]);
    const missing = all.indexOf(undefined);
    const there = all.slice(0, missing < 0 ? count : missing).filter((bytes) => bytes !== undefined);
    return { ...param, blobs: there };
  });
  const layer = [...others, ...copies];
  return { weights: { ...file, message: { ...file.message, layer, layers: [] } }, differing: [...differing] };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
