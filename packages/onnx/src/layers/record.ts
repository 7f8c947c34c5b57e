import type { Dtype, HostArray, Phase, Shape } from "@bn/core";

/** Running statistics as a file or a layer stores them: sums, and the factor that they are divided by. ONNX's factor is 1. */
export interface Statistics {
  readonly mean: HostArray;
  readonly variance: HostArray;
  readonly factor: number;
}

/** Where a record was read. */
export interface LayerSource {
  readonly format: "onnx" | "caffe" | "blobs";
  /** The names of the nodes or layers that it was read from, in order; for ONNX what tells a nameless node apart. */
  readonly nodes: readonly string[];
  /** "" at top level, else where it lies, e.g. `If node "choice", then_branch`. */
  readonly where: string;
}

interface Common {
  /** "" where it has none. */
  readonly name: string;
  readonly dtype: Dtype;
  /** Number of values of each parameter. */
  readonly channels: number;
  /** The axis of the channels, or the first axis that a Scale covers; negative from the end. */
  readonly axis: number;
  readonly phase: Phase;
  /** The shape of gamma and beta: [channels]. A Scale may cover several axes or none; spatial = 0 of old ONNX gives [C, D1, ...]. */
  readonly parameterShape: Shape;
  readonly source: LayerSource;
}

interface Normalization extends Common {
  readonly statistics: Statistics;
  /** Added to the variance; a float32 in ONNX and in Caffe. */
  readonly eps: number;
  /** What is left of the statistics at each step: Caffe's moving_average_fraction, ONNX's momentum (1 - PyTorch's). */
  readonly movingAverageFraction: number;
}

/** Caffe's BatchNorm: y = (x - mean) / sqrt(variance + eps). */
export interface BatchNormRecord extends Normalization {
  readonly type: "BatchNorm";
  readonly gamma: null;
  readonly beta: null;
}

/** BatchNorm and Scale over the same channels, and ONNX's BatchNormalization: gamma and beta too. */
export interface BatchNormScaleRecord extends Normalization {
  readonly type: "BatchNormScale";
  readonly gamma: HostArray;
  readonly beta: HostArray | null;
}

/** Caffe's Scale: y = x gamma + beta, over any axes. */
export interface ScaleRecord extends Common {
  readonly type: "Scale";
  readonly statistics: null;
  /** null where it comes as a second bottom, of shape `parameterShape`. */
  readonly gamma: HostArray | null;
  readonly beta: HostArray | null;
}

/** One normalization layer as a file holds it: what readers give and writers take, whatever the format. */
export type LayerRecord = BatchNormRecord | BatchNormScaleRecord | ScaleRecord;
export type NormRecord = BatchNormRecord | BatchNormScaleRecord;

export function isNormRecord(record: LayerRecord): record is NormRecord {
  return record.type !== "Scale";
}

/** mean and variance divided by the factor as BN-6 does it: s = fl(1 / factor), or 0 where that is 0, and fl(sum * s). */
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
