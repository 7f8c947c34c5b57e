import type { Network } from "../net/network.ts";
import type { BlobPlace, SharedBlob } from "./record.ts";

/** Blobs of a record's layers that other layers share, because their ParamSpecs have the same name. */
export function sharedBlobs(nodes: readonly string[], places: readonly BlobPlace[], { layers }: Network): SharedBlob[] {
  const named = layers.flatMap(({ name: layer, param }) =>
    param.param.flatMap(({ name: parameter }, blob) => (parameter === "" ? [] : [{ parameter, layer, blob }])),
  );
  return places.flatMap(({ role, layer, blob }) => {
    const own = named.find((one) => one.layer === nodes[layer] && one.blob === blob);
    if (!own) return [];
    const others = named.filter((one) => one.parameter === own.parameter && one !== own);
    const places = others.map((one) => ({ layer: one.layer, blob: one.blob }));
    return others.length === 0 ? [] : [{ parameter: own.parameter, role, others: places }];
  });
}
