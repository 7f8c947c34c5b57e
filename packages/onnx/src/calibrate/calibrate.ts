import { toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { readWhole } from "../graph/load.ts";
import { type Calibrated, type Calibration, createCalibration } from "./calibration.ts";
import type { CalibrationData } from "./data/data.ts";
import type { GatherOptions } from "./gather.ts";
import { storeStatistics } from "./store.ts";
import { type SubjectOptions, subjectOf } from "./subject.ts";

export interface CalibrateOptions extends SubjectOptions, GatherOptions {}

/**
 * Recomputes the stored statistics of a network's BatchNormalization nodes on data.
 *
 * Math    mean and unbiased variance, m2 / (count - 1) as Caffe and PyTorch store it, of all values of a node's input
 *         per channel, over all batches (M-1 to M-3), rounded once to the model's type.
 * Modes   "batch": every batch is normalised by its own statistics, as in training; one pass. "exact": each node is
 *         measured on the outputs of the already recalibrated nodes before it, with one pass per level of nodes.
 * Left    nodes that are not changed, with the reason in their row: nodes in training mode, in subgraphs and functions,
 *         with computed statistics, damaged nodes, and those that `nodes` excludes. A node that shares its statistics
 *         with others gets its own.
 * Errors  `ERR_BN_DATA`: a model, data or a batch that cannot be used, naming node, file and batch; `ERR_BN_PARAM`:
 *         options; `ERR_BN_UNAVAILABLE` without onnxruntime-node.
 *
 * @example
 * ```ts
 * import { batchNormOf, buildModel, importModel } from "@bn/onnx";
 * import { calibrateModel, dataOf } from "@bn/onnx/calibrate";
 * const one = new Float32Array([1]);
 * const model = buildModel(batchNormOf([one, one, [1], one, one]), { shape: ["N", 1] });
 * const data = dataOf({ X: { type: "float32", shape: [4, 1], data: new Float32Array([1, 2, 3, 6]) } });
 * const { bytes } = await calibrateModel(model, data, { batch: 2 });
 * const { mean, variance } = (await importModel(bytes)).layers[0]!.statistics;
 * console.log(mean, variance); // Float32Array(1) [ 3 ] Float32Array(1) [ 4.666666507720947 ]
 * ```
 */
export async function calibrateModel(
  bytes: Uint8Array,
  data: CalibrationData,
  options: CalibrateOptions = {},
): Promise<Calibrated> {
  return calibrationOf(bytes, options).run(data, options);
}

/**
 * The same in steps. `part` returns the contribution of a shard, and `merge` the model, with the same bits as a single
 * run.
 *
 * Errors: `ERR_BN_DATA` if the bytes are not a model.
 *
 * @example
 * ```ts
 * import { batchNormOf, buildModel } from "@bn/onnx";
 * import { calibrateModel, calibrationOf, dataOf } from "@bn/onnx/calibrate";
 * const one = new Float32Array([1]);
 * const model = buildModel(batchNormOf([one, one, [1], one, one]), { shape: ["N", 1] });
 * const data = dataOf({ X: { type: "float32", shape: [6, 1], data: new Float32Array([1, 2, 3, 6, 5, 0.1]) } });
 * const { part, merge } = calibrationOf(model);
 * const parts = [];
 * for (const index of [1, 2]) parts.push({ name: `part ${index}`, part: await part(data, { index, count: 2 }, { batch: 2 }) });
 * const [merged, whole] = [await merge(parts), await calibrateModel(model, data, { batch: 2 })];
 * console.log(Buffer.compare(merged.bytes, whole.bytes)); // 0
 * ```
 */
export function calibrationOf(bytes: Uint8Array, options: SubjectOptions = {}): Calibration {
  const subject = subjectOf(bytes, options);
  return createCalibration(subject, async (stored) => {
    const model = await readWhole(bytes, options.external);
    const shared = storeStatistics(model, subject.nodes, stored);
    return { bytes: stored.size === 0 ? bytes : toBinary(ModelProtoSchema, model), shared };
  });
}
