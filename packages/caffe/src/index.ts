export { type BlobContent, type CaffeBlob, decodeBlob, encodeBlob, replaceData } from "./binary/blob.ts";
export { readWeights, writeWeights } from "./binary/weights.ts";
export {
  type ConvertedNet,
  type ConvertOptions,
  convertNet,
  type LayerTop,
  NETWORK_OPSETS,
  type Port,
} from "./convert/convert.ts";
export type { CaffeFile, ReadOptions } from "./file.ts";
export { type FoldedNet, type FoldNetOptions, foldAttemptsOfNet, foldNet, foldTasksOfNet } from "./fold/fold.ts";
export { type BuildNetOptions, type BuiltNet, buildNet } from "./layers/build.ts";
export { type CreatedLayers, type CreateLayersOptions, createLayers } from "./layers/create.ts";
export { DIALECT_NAMES, DIALECTS, type Dialect, type DialectFacts, type Role } from "./layers/dialect.ts";
export { type ImportedNet, type ImportNetOptions, importNet } from "./layers/import.ts";
export type { BlobPlace, CaffeFacts, CaffeRecord, SharedBlob } from "./layers/record.ts";
export type { StoredLayer } from "./layers/stored.ts";
export { writeBlobs } from "./layers/write.ts";
export { type Network, type NetworkLayer, type NetworkOptions, openNetwork, type Value } from "./net/network.ts";
export type { NetStateOptions } from "./net/rules.ts";
export { upgradeNet } from "./net/upgrade.ts";
export * from "./schema/caffe_pb.ts";
export { readNet, writeNet } from "./text/net.ts";
export type { TextField, TextMessage, TextScalar, TextValue } from "./text/tree.ts";
