import type { Dtype, HostArray } from "@bn/core";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { batchNormOf, buildModel, type NormRecord, quotients } from "../src/index.ts";

/** The fields of an ONNX node, as a flat object. */
export interface Operands {
  readonly dtype: Dtype;
  readonly scale: HostArray;
  readonly bias: HostArray;
  readonly mean: HostArray;
  readonly variance: HostArray;
  readonly epsilon: number;
  readonly momentum: number;
  readonly axis?: number;
}

/** The record made of these fields. */
export function record({ mean, variance, scale, bias, epsilon, momentum, axis = 1 }: Operands): NormRecord {
  return batchNormOf([mean, variance, [1], scale, bias], { eps: epsilon, movingAverageFraction: momentum, axis });
}

/** The ONNX fields for a record: its statistics divided by the factor, and 1 and 0 if it has no gamma and beta. */
export function flat(layer: NormRecord): Operands {
  const { dtype, channels, gamma, beta, eps, movingAverageFraction } = layer;
  const filled = (value: number) =>
    (dtype === "float32" ? new Float32Array(channels) : new Float64Array(channels)).fill(value);
  return {
    dtype,
    ...quotients(layer),
    scale: gamma ?? filled(1),
    bias: beta ?? filled(0),
    epsilon: eps,
    momentum: movingAverageFraction,
  };
}

export const NODE: Operands = {
  dtype: "float32",
  scale: new Float32Array([1.5, -0.5, 2]),
  bias: new Float32Array([0.25, 0, -1]),
  mean: new Float32Array([0.5, -3, 0]),
  variance: new Float32Array([1, 4, 0.25]),
  epsilon: Math.fround(1e-5),
  momentum: Math.fround(0.9),
};

/** The one-node model of `NODE`, changed by hand into something that a checking builder would refuse. */
export function altered(change: (model: ModelProto, node: NodeProto) => void): Uint8Array<ArrayBuffer> {
  const model = fromBinary(ModelProtoSchema, buildModel(record(NODE), { shape: ["N", 3, "H", "W"] }));
  change(model, model.graph?.node[0] as NodeProto);
  return toBinary(ModelProtoSchema, model);
}

export function setOpset(model: ModelProto, version: number): void {
  for (const entry of model.opsetImport) entry.version = BigInt(version);
}

/** The same with an If next to the node, or instead of it, whose branches contain a BatchNormalization each. */
export function nested(topLevel: boolean, change: (branch: GraphProto) => void = () => {}): Uint8Array {
  return altered((model, node) => {
    const { graph } = model;
    if (!graph) return;
    const float = (name: string) =>
      create(ValueInfoProtoSchema, { name, type: { value: { case: "tensorType", value: { elemType: 1 } } } });
    const branch = (name: string) => {
      const inner = create(NodeProtoSchema, { ...node, name: `bn_${name}`, output: [name] });
      const graph = create(GraphProtoSchema, { name, node: [inner], output: [float(name)] });
      change(graph);
      return graph;
    };
    const choice = create(NodeProtoSchema, {
      name: "choice",
      opType: "If",
      input: ["condition"],
      output: ["Z"],
      attribute: [
        { name: "then_branch", type: 5, g: branch("yes") },
        { name: "else_branch", type: 5, g: branch("no") },
      ],
    });
    graph.node = topLevel ? [node, choice] : [choice];
    graph.output = [float("Z")];
    const [scale] = graph.initializer;
    if (scale)
      graph.initializer.push({ ...scale, name: "condition", dataType: 9, dims: [], rawData: new Uint8Array([1]) });
  });
}
