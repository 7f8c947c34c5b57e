import type { Network } from "../../net/network.ts";
import { channelsByNet } from "../channels.ts";
import type { CaffeRecord } from "../record.ts";

/** Records whose number of channels differs from that of their bottom in the net: [name, text]. */
export function channelSuspicions(records: readonly CaffeRecord[], network: Network): [string, string][] {
  const expected = new Map(channelsByNet(network).map((channels, i) => [network.layers[i]?.name, channels]));
  return records.flatMap(({ name, type, axis, channels, parameterShape }) => {
    const found = expected.get(name) ?? null;
    const single = type !== "Scale" || (axis === 1 && parameterShape.length === 1);
    if (!single || found === null || found === channels) return [];
    return [
      [name, `its bottom has ${found} channels, and its blobs have ${channels}; the weights may belong to another net`],
    ];
  });
}

/** Names that several layers have. Caffe gives weights to the first of them. */
export function doubleNames({ layers }: Network): string[] {
  const seen = new Set<string>();
  return layers.flatMap(({ name, blobs }) => {
    const again = seen.has(name);
    seen.add(name);
    return again && blobs.length === 0 ? [name] : [];
  });
}
