import type { BatchNormParams, Dtype, Geometry, HostArray, ScaleParams, Shape } from "@bn/core";

/** A folder of golden data after reading and checking. goldens/README.md describes the format. */
export interface GoldenSet {
  /**
   * The name of the set and the seed of its inputs. Two folders with the same name and seed must agree in every bit.
   */
  readonly set: string;
  readonly seed: string;
  readonly cases: readonly GoldenCase[];
}

export interface GoldenCase {
  /** category/case/f32 or f64. */
  readonly name: string;
  readonly category: string;
  readonly dtype: Dtype;
  readonly layers: readonly GoldenLayer[];
  readonly steps: readonly GoldenStep[];
}

/**
 * One layer: the parameters for core (`params`), and the parameters that were in effect in Caffe (`effective`), which
 * truths are computed from.
 */
export type GoldenLayer = GoldenBatchNorm | GoldenScale;

interface GoldenLayerBase {
  readonly inPlace: boolean;
  readonly numBottoms: number;
  /** If true, `initialBlobs` are those that setUp created; otherwise they are written over those. */
  readonly defaultBlobs: boolean;
  readonly initialBlobs: readonly GoldenTensor[];
}
export interface GoldenBatchNorm extends GoldenLayerBase {
  readonly type: "BatchNorm";
  readonly params: BatchNormParams;
  readonly effective: { readonly useGlobalStats: boolean; readonly fraction: number; readonly eps: number };
}
export interface GoldenScale extends GoldenLayerBase {
  readonly type: "Scale";
  readonly params: ScaleParams;
  readonly effective: { readonly axis: number; readonly numAxes: number; readonly biasTerm: boolean };
}

export type GoldenStep = GoldenForward | GoldenBackward | { readonly op: "clear_param_diffs" };

export interface GoldenForward {
  readonly op: "forward";
  /** [bottom], or [bottom, scale] for the Scale with two bottoms. */
  readonly inputs: readonly GoldenTensor[];
  /** The top of each layer right after it ran, and all of its blobs. */
  readonly tops: readonly GoldenTensor[];
  readonly blobs: readonly (readonly GoldenTensor[])[];
  /** The geometry of each layer, from the shapes of this forward. */
  readonly geometries: readonly Geometry[];
}

export interface GoldenBackward {
  readonly op: "backward";
  readonly topDiff: GoldenTensor;
  readonly bottomDiffs: readonly (readonly GoldenTensor[])[];
  readonly paramDiffs: readonly (readonly GoldenTensor[])[];
  /** The forward that this backward belongs to. */
  readonly forward: GoldenForward;
}

/** `data` may be shared between tensors with equal content, so it must not be changed. */
export interface GoldenTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly data: HostArray;
}
