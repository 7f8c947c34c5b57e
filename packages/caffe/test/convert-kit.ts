import {
  type CaffeFile,
  convertNet,
  encodeBlob,
  LayerParameterSchema,
  NetParameterSchema,
  readNet,
  readWeights,
  writeWeights,
} from "@bn/caffe";
import { create, fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";

export const INPUT =
  'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 dim: 3 dim: 3 } } }';
export const NORM = 'type: "BatchNorm" batch_norm_param { eps: 0.5 }';

export type Blobs = Readonly<Record<string, readonly (readonly number[])[]>>;

/** Weights with blobs of one axis. */
function weightsOf(blobs: Blobs): CaffeFile {
  const layer = Object.entries(blobs).map(([name, lists]) => {
    const encoded = lists.map((list) => encodeBlob({ shape: [list.length], data: Float32Array.from(list) }));
    return create(LayerParameterSchema, { name, blobs: encoded });
  });
  const message = create(NetParameterSchema, { layer });
  return readWeights(writeWeights({ ...readNet(INPUT), message }), { file: "w.caffemodel" });
}

export const convert = (layers: string, blobs: Blobs = {}, options = {}) =>
  convertNet({
    net: readNet(layers, { file: "net.prototxt" }),
    weights: Object.keys(blobs).length > 0 ? weightsOf(blobs) : readNet(INPUT),
    ...options,
  });

export const graphOf = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes).graph;
export const STATISTICS = [[2, 4], [2, 8], [2]];
export const layer = (text: string) => `${INPUT} layer { name: "l" bottom: "x" top: "y" ${text} }`;
