export { type ArgumentChecks, argumentChecks } from "./argument-checks.ts";
export {
  type Affine,
  type Average,
  type Backend,
  CONTRACT_VERSION,
  type DeviceBuffer,
  type Dtype,
  type Geometry,
  type HostArray,
  type HostBuffer,
  type Kernels,
  type Moments,
  type Running,
  type SplitMoments,
  type Sums,
  type Supports,
} from "./backend.ts";
export { createBatchNorm, createBatchNormScale } from "./batch-norm.ts";
export type { BatchNormParams, BatchNormScaleParams } from "./batch-norm-params.ts";
export { type Blob, createBlob } from "./blob.ts";
export type { Communicator } from "./communicator/communicator.ts";
export { BnError, type BnErrorCode } from "./errors.ts";
export type { Filler } from "./filler.ts";
export type { ArrayOf } from "./host-values.ts";
export type { BatchNormLayer, Layer, LayerParams, Phase } from "./layer.ts";
export type { BlobName, BlobState, LayerState, LoadableState } from "./layer-state.ts";
export { type OptionRule, type OptionRules, readOptions } from "./options.ts";
export { createScale, type ScaleParams } from "./scale.ts";
export type { Shape } from "./shape.ts";
export type { StatisticsState } from "./statistics/state.ts";
export { type BatchMoments, createStatistics, loadStatistics, type Statistics } from "./statistics/statistics.ts";
