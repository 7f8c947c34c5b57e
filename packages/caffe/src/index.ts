export { type BlobContent, type CaffeBlob, decodeBlob, encodeBlob, replaceData } from "./binary/blob.ts";
export { readWeights, writeWeights } from "./binary/weights.ts";
export type { CaffeFile, ReadOptions } from "./file.ts";
export { type Network, type NetworkLayer, type NetworkOptions, openNetwork, type Value } from "./net/network.ts";
export type { NetStateOptions } from "./net/rules.ts";
export { upgradeNet } from "./net/upgrade.ts";
export * from "./schema/caffe_pb.ts";
export { readNet, writeNet } from "./text/net.ts";
export type { TextField, TextMessage, TextScalar, TextValue } from "./text/tree.ts";
