import type { Dtype, HostArray, Phase, Shape } from "@bn/core";

/** Running statistics as a file or a layer stores them: sums, and the factor to divide them by. ONNX's factor is 1. */
export interface Statistics {
  readonly mean: HostArray;
  readonly variance: HostArray;
  readonly factor: number;
}

/** Where a record comes from. */
export interface LayerSource {
  readonly format: "onnx" | "caffe" | "blobs";
  /**
   * The names of the nodes or layers that it was read from, in order. For an ONNX node without a name, a text that
   * identifies it.
   */
  readonly nodes: readonly string[];
  /** "" at top level, otherwise its place, e.g. `If node "choice", then_branch`. */
  readonly where: string;
}

interface Common {
  /** "" if it has none. */
  readonly name: string;
  readonly dtype: Dtype;
  /** The number of values of each parameter. */
  readonly channels: number;
  /** The axis of the channels, or the first axis that a Scale covers; negative axes count from the end. */
  readonly axis: number;
  readonly phase: Phase;
  /**
   * The shape of gamma and beta: [channels]. A Scale may cover several axes or none, and spatial = 0 of old ONNX gives
   * [C, D1, ...].
   */
  readonly parameterShape: Shape;
  readonly source: LayerSource;
}

interface Normalization extends Common {
  readonly statistics: Statistics;
  /** The number added to the variance, a float32 in ONNX and in Caffe. */
  readonly eps: number;
  /**
   * The part of the statistics that each step keeps: Caffe's moving_average_fraction, ONNX's momentum (1 - PyTorch's).
   */
  readonly movingAverageFraction: number;
}

/** Caffe's BatchNorm: y = (x - mean) / sqrt(variance + eps). */
export interface BatchNormRecord extends Normalization {
  readonly type: "BatchNorm";
  readonly gamma: null;
  readonly beta: null;
}

/** BatchNorm and Scale over the same channels, or ONNX's BatchNormalization: also gamma and beta. */
export interface BatchNormScaleRecord extends Normalization {
  readonly type: "BatchNormScale";
  readonly gamma: HostArray;
  readonly beta: HostArray | null;
}

/** Caffe's Scale: y = x gamma + beta, over any axes. */
export interface ScaleRecord extends Common {
  readonly type: "Scale";
  readonly statistics: null;
  /** null if it is a second bottom, of shape `parameterShape`. */
  readonly gamma: HostArray | null;
  readonly beta: HostArray | null;
}

/** One normalization layer as a file stores it. Readers return it and writers take it, for every format. */
export type LayerRecord = BatchNormRecord | BatchNormScaleRecord | ScaleRecord;
export type NormRecord = BatchNormRecord | BatchNormScaleRecord;

export function isNormRecord(record: LayerRecord): record is NormRecord {
  return record.type !== "Scale";
}

/** mean and variance divided by the factor as in BN-6: s = fl(1 / factor), or 0 if the factor is 0, and fl(sum * s). */
export function quotients({ dtype, statistics }: NormRecord): {
  readonly mean: HostArray;
  readonly variance: HostArray;
} {
  const { mean, variance, factor } = statistics;
  const [s] = arrayOf(dtype, [factor === 0 ? 0 : 1 / factor]) as HostArray & [number];
  return { mean: mean.map((sum) => sum * s), variance: variance.map((sum) => sum * s) };
}

export function arrayOf(dtype: Dtype, values: ArrayLike<number>): HostArray {
  return dtype === "float32" ? Float32Array.from(values) : Float64Array.from(values);
}
