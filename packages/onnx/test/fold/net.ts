import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  OperatorSetIdProtoSchema,
  type TensorProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import {
  floatAttribute,
  intAttribute,
  intsAttribute,
  nodeOf,
  type OpenShape,
  tensorOf,
  valueInfo,
} from "../../src/graph/encode.ts";
import { numbersOf } from "../../src/graph/tensor.ts";

export { floatAttribute, intAttribute, intsAttribute, nodeOf, tensorOf };

/** Numbers between -1 and 1 from a seed. */
export function randoms(seed: number): (count: number, scale?: number, offset?: number) => Float32Array {
  let state = seed | 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 31 - 1;
  };
  return (count, scale = 1, offset = 0) => Float32Array.from({ length: count }, () => offset + scale * next());
}

export interface Net {
  readonly input: readonly number[];
  readonly nodes: readonly NodeProto[];
  readonly tensors: readonly TensorProto[];
  /** Default ["y"]. */
  readonly outputs?: readonly string[];
  readonly opset?: number;
  readonly irVersion?: number;
}

/** A model from "x" of shape `input` (names are open sizes) to `outputs`. */
export function netOf({
  input,
  nodes,
  tensors,
  outputs = ["y"],
  opset = 17,
  irVersion = 8,
}: Omit<Net, "input"> & { readonly input: OpenShape }): Uint8Array {
  const elem = tensors[0]?.dataType ?? 1;
  const graph = create(GraphProtoSchema, {
    name: "net",
    node: [...nodes],
    initializer: [...tensors],
    input: [
      valueInfo("x", elem, input),
      ...(irVersion < 4 ? tensors.map(({ name, dataType, dims }) => valueInfo(name, dataType, dims.map(Number))) : []),
    ],
    output: outputs.map((name) => create(ValueInfoProtoSchema, { name, type: tensorType(elem) })),
  });
  const opsetImport = [create(OperatorSetIdProtoSchema, { version: BigInt(opset) })];
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: BigInt(irVersion), opsetImport, graph }));
}

/** A tensor of any shape. */
function tensorType(elemType: number) {
  return { value: { case: "tensorType" as const, value: { elemType } } };
}

/** The operands of a BatchNormalization over `channels`, with names derived from `name`. */
export function normOf(name: string, channels: number, seed: number) {
  const r = randoms(seed);
  const tensors = {
    scale: tensorOf(`${name}.scale`, [channels], r(channels, 1, 0.2)),
    bias: tensorOf(`${name}.bias`, [channels], r(channels)),
    mean: tensorOf(`${name}.mean`, [channels], r(channels, 2)),
    variance: tensorOf(`${name}.var`, [channels], r(channels, 0.9, 1)),
  };
  const inputs = Object.values(tensors).map((tensor) => tensor.name);
  const node = (x: string, y: string) =>
    nodeOf("BatchNormalization", name, [x, ...inputs], [y], [floatAttribute("epsilon", 1e-3)]);
  return { node, tensors: Object.values(tensors) };
}

export function modelOf(bytes: Uint8Array): ModelProto & { graph: NonNullable<ModelProto["graph"]> } {
  const model = fromBinary(ModelProtoSchema, bytes);
  if (!model.graph) throw new Error("a model has a graph");
  return model as ModelProto & { graph: NonNullable<ModelProto["graph"]> };
}

export function operators(bytes: Uint8Array): string[] {
  return modelOf(bytes).graph.node.map(({ opType }) => opType);
}

export function valuesOf(bytes: Uint8Array, name: string): number[] {
  const tensor = modelOf(bytes).graph.initializer.find((one) => one.name === name);
  const numbers = tensor && numbersOf(tensor);
  if (numbers === undefined || typeof numbers === "string") throw new Error(`${name}: ${numbers ?? "no initialiser"}`);
  return Array.from(numbers.data);
}
