import { BnError, type HostArray, type Shape } from "@bn/core";
import { isNormRecord, type LayerRecord, type NormRecord, type ScaleRecord } from "@bn/onnx";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { encodeBlob } from "../binary/blob.ts";
import type { CaffeFile } from "../file.ts";
import {
  type LayerParameter,
  LayerParameterSchema,
  type NetParameter,
  NetParameterSchema,
} from "../schema/caffe_pb.ts";

export interface BuildNetOptions {
  /**
   * The shape of the bottom. Default [1, channels, 1, 1], or for a Scale the shape that it covers after axes of size 1.
   */
  readonly shape?: Shape | undefined;
}

/** A network and its weights, for `writeNet` and `writeWeights`. */
export interface BuiltNet {
  readonly net: CaffeFile;
  readonly weights: CaffeFile;
}

/**
 * Builds a Caffe network of one normalization layer: an Input "data", BatchNorm, and Scale if the record has gamma.
 *
 * Math    sums and factor, gamma and beta are written bit for bit; float64 is written as `double_data`.
 * Errors  `ERR_BN_PARAM`: channels are not on axis 1, where Caffe has them, or there is a parameter for each position;
 *         `ERR_BN_SHAPE`: a shape that does not fit.
 *
 * @example
 * ```ts
 * import { buildNet, writeNet } from "@bn/caffe";
 * import { batchNormOf } from "@bn/onnx";
 * const one = new Float32Array([1]);
 * const { net } = buildNet(batchNormOf([one, one, [1]], { name: "bn1", eps: 1e-3 }), { shape: [1, 1] });
 * console.log(writeNet(net).includes("eps: 0.001")); // true
 * ```
 */
export function buildNet(record: LayerRecord, options: BuildNetOptions = {}): BuiltNet {
  const { layers, shape } = isNormRecord(record) ? normLayers(record) : scaleLayers(record);
  const bottom = options.shape ?? shape;
  checkShape(record, bottom);
  const inputs = [inputOf("data", bottom)];
  if (!isNormRecord(record) && !record.gamma) inputs.push(inputOf("scale", record.parameterShape));
  const net = netOf([...inputs, ...layers.map(({ layer }) => layer)]);
  const trained = layers.map(({ layer, blobs }) => Object.assign(create(LayerParameterSchema), layer, { blobs }));
  return { net: fileOf("net", net), weights: fileOf("weights", netOf([...inputs, ...trained])) };
}

interface Part {
  readonly layer: LayerParameter;
  readonly blobs: Uint8Array[];
}

function normLayers(record: NormRecord): { layers: Part[]; shape: Shape } {
  const { name, channels, axis, parameterShape, statistics, eps, movingAverageFraction, gamma, beta, source } = record;
  const fail = (what: string) => new BnError("ERR_BN_PARAM", `buildNet "${name}": ${what}`);
  if (axis !== 1)
    throw fail(`its channels are on axis ${axis}, and Caffe's BatchNorm needs them on axis 1; transpose the network`);
  if (parameterShape.length !== 1) {
    throw fail(`it has one parameter per element of [${parameterShape}], and Caffe's BatchNorm one per channel`);
  }
  const own = name || "batch_norm";
  const norm = layerOf({ name: own, type: "BatchNorm", batchNormParam: { eps, movingAverageFraction } });
  const factor = arrayLike(statistics.mean, [statistics.factor]);
  const layers: Part[] = [{ layer: norm, blobs: blobsOf([statistics.mean, statistics.variance, factor]) }];
  if (gamma) {
    const second = source.format === "caffe" ? source.nodes[1] : undefined;
    const scale = layerOf({ name: second ?? `${own}/scale`, type: "Scale", scaleParam: { biasTerm: beta !== null } });
    layers.push({ layer: scale, blobs: blobsOf([gamma, beta]) });
  }
  return { layers, shape: [1, channels, 1, 1] };
}

function scaleLayers({ name, axis, parameterShape, gamma, beta }: ScaleRecord): { layers: Part[]; shape: Shape } {
  const scaleParam = { axis, numAxes: parameterShape.length, biasTerm: beta !== null };
  const layer = layerOf({ name: name || "scale_layer", type: "Scale", scaleParam });
  if (!gamma) layer.bottom.push("scale");
  const before = axis >= 0 ? new Array<number>(axis).fill(1) : [];
  const after = axis >= 0 ? [] : new Array<number>(-axis - parameterShape.length).fill(1);
  return {
    layers: [{ layer, blobs: blobsOf([gamma, beta], parameterShape) }],
    shape: [...before, ...parameterShape, ...after],
  };
}

/** A layer that works in place. */
function layerOf(own: MessageInitShape<typeof LayerParameterSchema>): LayerParameter {
  return create(LayerParameterSchema, { bottom: ["data"], top: ["data"], ...own });
}

function arrayLike(like: HostArray, values: readonly number[]): HostArray {
  return like instanceof Float32Array ? Float32Array.from(values) : Float64Array.from(values);
}

function blobsOf(values: readonly (HostArray | null)[], shape?: Shape): Uint8Array[] {
  return values.filter((data) => data !== null).map((data) => encodeBlob({ shape: shape ?? [data.length], data }));
}

function inputOf(name: string, shape: Shape): LayerParameter {
  const inputParam = { shape: [{ dim: shape.map(BigInt) }] };
  return create(LayerParameterSchema, { name, type: "Input", top: [name], inputParam });
}

function netOf(layer: LayerParameter[]): NetParameter {
  return create(NetParameterSchema, { name: "batch_norm", layer });
}

function fileOf(file: string, message: NetParameter): CaffeFile {
  return { file, message, places: new Map(), unknown: new Map() };
}

function checkShape(record: LayerRecord, shape: Shape): void {
  const { axis, parameterShape, name } = record;
  const at = axis < 0 ? shape.length + axis : axis;
  const found = shape.slice(at, at + parameterShape.length);
  if (at >= 0 && String(found) === String(parameterShape) && shape.every((size) => Number.isInteger(size) && size > 0))
    return;
  const what = `shape is [${shape}], expected sizes with [${parameterShape}] from axis ${axis} on`;
  throw new BnError("ERR_BN_SHAPE", `buildNet "${name}": ${what}`);
}
