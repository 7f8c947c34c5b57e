import type { Dtype } from "@bn/core";
import { create, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, type NodeProto, type TensorProto, type ValueInfoProto } from "onnx-buf";
import { elementType, type OpenShape, valueInfo } from "./encode.ts";
import { paramError } from "./errors.ts";

/** An input or output of a graph. */
export interface GraphPort {
  readonly name: string;
  readonly shape: OpenShape;
}

/** A whole graph that can be written. */
export interface GraphContent {
  readonly name: string;
  readonly opset: number;
  /** The dtype of inputs and outputs. */
  readonly dtype: Dtype;
  /** The nodes, each after those whose outputs it reads. */
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  readonly inputs: readonly GraphPort[];
  readonly outputs: readonly GraphPort[];
}

/** The first operator set of each version of the file format, newest first. */
const IR_VERSIONS = [
  [23, 11],
  [21, 10],
  [19, 9],
  [15, 8],
  [12, 7],
  [11, 6],
  [10, 5],
  [9, 4],
  [1, 3],
] as const;

/** The newest operator set that this package knows. */
const NEWEST = 24;

/**
 * The bytes of a model. Before version 4 of the file format, which means before operator set 9, graph inputs also list
 * the initialisers.
 *
 * Errors: `ERR_BN_PARAM` for an unknown operator set.
 *
 * Source: ONNX, "Versioning", the table of released versions.
 *
 * @example
 * ```ts
 * import { encodeModel, nodeOf } from "@bn/onnx/graph";
 * const [inputs, outputs] = [[{ name: "x", shape: [2] }], [{ name: "y", shape: [2] }]];
 * const nodes = [nodeOf("Relu", "relu", ["x"], ["y"])];
 * const bytes = encodeModel({ name: "net", opset: 13, dtype: "float32", nodes, initializers: [], inputs, outputs });
 * console.log(bytes.length); // 79
 * ```
 */
export function encodeModel(content: GraphContent): Uint8Array<ArrayBuffer> {
  const { name, opset, dtype, nodes, initializers, inputs, outputs } = content;
  const version = IR_VERSIONS.find(([first]) => opset >= first)?.[1];
  if (version === undefined || !Number.isInteger(opset) || opset > NEWEST) {
    throw paramError(`encodeModel: opset is ${opset}, expected a whole number from 1 to ${NEWEST}`);
  }
  const type = elementType(dtype);
  const info = (port: GraphPort): ValueInfoProto => valueInfo(port.name, type, port.shape);
  const listed = version < 4 ? initializers : [];
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(version),
    producerName: "@bn/onnx",
    opsetImport: [{ domain: "", version: BigInt(opset) }],
    graph: {
      name,
      node: [...nodes],
      initializer: [...initializers],
      input: [
        ...inputs.map(info),
        ...listed.map((tensor) => valueInfo(tensor.name, tensor.dataType, tensor.dims.map(Number))),
      ],
      output: outputs.map(info),
    },
  });
  return toBinary(ModelProtoSchema, model);
}
