import { BnError, type HostArray } from "@bn/core";
import {
  type Calibration,
  createCalibration,
  type DataPort,
  type StoredStatistics,
  type Subject,
  sha256,
  subjectOf,
} from "@bn/onnx/calibrate";
import { writeWeights } from "../binary/weights.ts";
import { type ConvertOptions, convertNet } from "../convert/convert.ts";
import type { CaffeFile } from "../file.ts";
import { DIALECTS, type Role } from "../layers/dialect.ts";
import { importNet } from "../layers/import.ts";
import type { CaffeRecord } from "../layers/record.ts";
import { writeRoles } from "../layers/write.ts";
import { writeNet } from "../text/net.ts";

export interface NetCalibrationOptions extends Omit<ConvertOptions, "dtype"> {
  /** Selects, by name, the BatchNorm layers that get new statistics. Default: all. */
  readonly nodes?: (name: string) => boolean;
}

const STATISTICS: readonly Role[] = ["mean", "variance", "inverse std", "factor"];

/**
 * Opens a Caffe network whose BatchNorm layers get the statistics of data, as `calibrationOf` of @bn/onnx/calibrate
 * does for ONNX. The network runs as the ONNX model that `convertNet` makes of it, with the batch as the first axis of
 * its inputs. The `bytes` of the result are those of the .caffemodel, with other statistics and everything else
 * unchanged.
 *
 * Math    mean and unbiased variance, as Caffe stores them, each rounded once to float32. The factor is 1, so the three
 *         blobs hold (mean, variance, 1). Dialects that store averages keep their factor; 1 / std is fl(1 /
 *         sqrt(variance + eps)), with the eps of the record: 0 where the layer stores 1 / std.
 * Left    layers that share their statistics with another layer by a ParamSpec's name are not changed, because one blob
 *         cannot hold the statistics of both.
 * Errors  those of `convertNet`; `ERR_BN_DATA`, naming the layer, for a batch that the network does not accept, e.g.
 *         because of a Reshape.
 *
 * @example
 * ```ts
 * import { encodeBlob, readNet } from "@bn/caffe";
 * import { netCalibration } from "@bn/caffe/calibrate";
 * import { dataOf } from "@bn/onnx/calibrate";
 * const net = readNet('input: "x" input_shape { dim: 1 dim: 1 } layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" }');
 * net.message.layer[0]!.blobs = [[6], [8], [2]].map((data) => encodeBlob({ shape: [1], data: Float32Array.from(data) }));
 * const data = dataOf({ x: { type: "float32", shape: [4, 1], data: new Float32Array([1, 2, 3, 6]) } });
 * const { rows } = await netCalibration({ net, weights: net }).run(data);
 * console.log(rows[0]!.node, rows[0]!.status, rows[0]!.count); // bn recalibrated 4
 * ```
 */
export function netCalibration(options: NetCalibrationOptions): Calibration {
  const { nodes: wanted = () => true, ...converting } = options;
  const { layers } = importNet(converting);
  const records = new Map(layers.map((record) => [record.source.nodes[0] ?? record.name, record]));
  const first = convertNet(converting);
  const sharing = (name: string) => sharedText(records.get(name));
  const base = subjectOf(first.bytes, { nodes: (name) => wanted(name) && sharing(name) === null });
  const blobOf = new Map(first.inputs.map(({ tensor, blob }) => [tensor, blob]));
  const portOf = (input: string) => blobOf.get(input) ?? input;
  const made = new Map<number, Uint8Array>();
  const subject: Subject = {
    ...base,
    left: base.left.map((one) => {
      const why = wanted(one.name) ? sharing(one.name) : null;
      return why === null ? one : { ...one, reason: why };
    }),
    digest: sha256(`${sha256(writeWeights(options.weights))} ${sha256(writeNet(options.net))}`),
    modelFor(samples) {
      const shapes = Object.fromEntries(first.inputs.map(({ blob, shape }) => [blob, [samples, ...shape.slice(1)]]));
      const bytes = made.get(samples) ?? convertNet({ ...converting, shapes }).bytes;
      made.set(samples, bytes);
      return bytes;
    },
    ports: base.ports.map((port) => openPort(port, portOf(port.name))),
    portOf,
  };
  return createCalibration(subject, async (stored) => {
    let weights = options.weights;
    for (const [{ name }, statistics] of stored) weights = written(weights, records.get(name), statistics, name);
    return { bytes: writeWeights(weights), shared: new Map() };
  });
}

/** The port with the name of its blob. A net fixes the first axis for one deployment; here it is the batch. */
function openPort({ type, shape }: DataPort, name: string): DataPort {
  return { name, type, shape: shape && [null, ...shape.slice(1)] };
}

function sharedText(record: CaffeRecord | undefined): string | null {
  const shared = record?.caffe.shared.find(({ role }) => STATISTICS.includes(role));
  if (!shared) return null;
  const others = shared.others.map(({ layer }) => `"${layer}"`).join(", ");
  return `shares its ${shared.role}, parameter "${shared.parameter}", with ${others}: one blob cannot hold the statistics of both`;
}

function written(
  weights: CaffeFile,
  record: CaffeRecord | undefined,
  { mean, variance }: StoredStatistics,
  name: string,
): CaffeFile {
  if (record?.statistics === undefined || record.statistics === null) {
    throw new BnError(
      "ERR_BN_DATA",
      `${weights.file}: layer "${name}" has no statistics of its own; exclude it with the option nodes`,
    );
  }
  const { eps } = record;
  const inverse = Float32Array.from(variance, (value) => 1 / Math.sqrt(value + eps));
  const endless = inverse.findIndex((value) => !Number.isFinite(value));
  const storesInverse = record.caffe.places.some(({ role }) => role === "inverse std");
  if (storesInverse && endless >= 0) {
    throw new BnError(
      "ERR_BN_DATA",
      `${weights.file}: layer "${name}" stores 1 / std, and channel ${endless} is constant in this data; exclude the layer with the option nodes, or use other data`,
    );
  }
  const sums = DIALECTS[record.caffe.dialect].statistics === "sums";
  const values: Partial<Record<Role, HostArray>> = {
    mean: Float32Array.from(mean),
    variance: Float32Array.from(variance),
    "inverse std": inverse,
    ...(sums ? { factor: Float32Array.of(1) } : {}),
  };
  return writeRoles(weights, record, (role) => values[role] ?? null);
}
