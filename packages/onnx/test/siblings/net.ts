import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  type SparseTensorProto,
  SparseTensorProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { floatAttribute, intAttribute, intTensor, nodeOf, tensorOf, valueInfo } from "../../src/graph/encode.ts";

/** The parts of a small network apart from BatchNormalization nodes with three channels. */
export interface Net {
  readonly opset?: number;
  readonly ir?: number;
  readonly imports?: MessageInitShape<typeof ModelProtoSchema>["opsetImport"];
  readonly nodes: readonly NodeProto[];
  readonly weights?: readonly TensorProto[];
  readonly sparse?: readonly SparseTensorProto[];
  readonly inputs?: readonly ValueInfoProto[];
  /** Default: Y, without a shape. */
  readonly outputs?: readonly ValueInfoProto[];
  readonly functions?: readonly FunctionProto[];
}

const FLOAT = 1;
const EPSILON = floatAttribute("epsilon", 1e-3);
export const X = valueInfo("X", FLOAT, [1, 3, 4, 4]);

/** scale, B, mean and var of every node in these models. */
const PARAMETERS = [
  tensorOf("scale", [3], new Float32Array([1.5, -0.5, 2])),
  tensorOf("B", [3], new Float32Array([0.25, 0, -1])),
  tensorOf("mean", [3], new Float32Array([0.5, -3, 0])),
  tensorOf("var", [3], new Float32Array([1, 4, 0.25])),
];

export function norm(x: string, y: string, attributes: readonly AttributeProto[] = [EPSILON]): NodeProto {
  return nodeOf("BatchNormalization", `bn_${y}`, [x, "scale", "B", "mean", "var"], [y], attributes);
}

export function net({ opset = 15, ir = 8, imports, nodes, weights = [], sparse = [], ...rest }: Net): Uint8Array {
  const { inputs = [X], outputs = [open("Y")], functions = [] } = rest;
  // Nodes with parameters of their own use those.
  const own = new Set([...weights.map(({ name }) => name), ...sparse.map(({ values }) => values?.name)]);
  const initializer = [
    ...PARAMETERS.filter(({ name }) => !own.has(name) && !inputs.some((one) => one.name === name)),
    ...weights,
  ];
  const listed =
    ir < 4 ? initializer.map(({ name, dims, dataType }) => valueInfo(name, dataType, dims.map(Number))) : [];
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(ir),
    opsetImport: imports ?? [{ domain: "", version: BigInt(opset) }],
    functions: [...functions],
    graph: {
      name: "net",
      node: [...nodes],
      initializer,
      sparseInitializer: [...sparse],
      input: [...inputs, ...listed],
      output: [...outputs],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

/** A tensor of floats without a shape. */
export function open(name: string, elemType = FLOAT): ValueInfoProto {
  return create(ValueInfoProtoSchema, { name, type: { value: { case: "tensorType", value: { elemType } } } });
}

/** A sequence, or an optional value, of tensors of floats. */
export function holder(name: string, kind: "sequenceType" | "optionalType"): ValueInfoProto {
  const elemType = { value: { case: "tensorType" as const, value: { elemType: FLOAT } } };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: kind, value: { elemType } } } });
}

export function graphAttribute(name: string, g: Partial<GraphProto>): AttributeProto {
  return create(AttributeProtoSchema, { name, type: 5, g: create(GraphProtoSchema, { name, ...g } as GraphProto) });
}

export function stringAttribute(name: string, text: string): AttributeProto {
  return create(AttributeProtoSchema, { name, type: 3, s: new TextEncoder().encode(text) });
}

function tensorAttribute(name: string, t: TensorProto): AttributeProto {
  return create(AttributeProtoSchema, { name, type: 4, t });
}

/** An attribute whose value the function's caller gives. */
export function referred(name: string, refAttrName: string, type = FLOAT): AttributeProto {
  return create(AttributeProtoSchema, { name, refAttrName, type });
}

export function constant(output: string, t: TensorProto): NodeProto {
  return nodeOf("Constant", "", [], [output], [tensorAttribute("value", t)]);
}

/** A sparse tensor of [3], with some of its values given. */
export function sparseOf(
  name: string,
  values: readonly number[],
  indices: readonly number[],
  pairs = false,
): SparseTensorProto {
  const places = intTensor("", indices);
  places.dims = pairs ? [BigInt(values.length), 1n] : [BigInt(values.length)];
  return create(SparseTensorProtoSchema, {
    values: tensorOf(name, [values.length], Float32Array.from(values)),
    indices: places,
    dims: [3n],
  });
}

export function boolTensor(name: string, value: boolean): TensorProto {
  return create(TensorProtoSchema, { name, dataType: 9, dims: [], rawData: new Uint8Array([value ? 1 : 0]) });
}

/** A tensor of floats with a shape. */
export function floats(name: string, dims: readonly number[], ...values: readonly number[]): TensorProto {
  return tensorOf(name, dims, Float32Array.from(values));
}

/** Generated weights. */
export function ramp(name: string, dims: readonly number[]): TensorProto {
  const length = dims.reduce((a, b) => a * b, 1);
  return tensorOf(
    name,
    dims,
    Float32Array.from({ length }, (_, i) => Math.sin(i)),
  );
}

export const PARAMETER_NAMES = ["scale", "B", "mean", "var"];
export const parameter = (i: number) => PARAMETERS[i] as TensorProto;

/** A node of operator sets 1 to 6, for inference. */
export function old(x: string, y: string): NodeProto {
  return norm(x, y, [EPSILON, intAttribute("is_test", 1)]);
}

/** Operator set 15 with model-local functions. */
export const LOCAL = [
  { domain: "", version: 15n },
  { domain: "local", version: 1n },
];

/** A call of a model-local function. */
export function call(name: string, input: string[], output: string[], attributes: AttributeProto[] = []): NodeProto {
  return Object.assign(nodeOf(name, `call_${output[0]}`, input, output, attributes), { domain: "local" });
}

/** A function that the model defines, in operator set 15 unless `more` names another. */
export function local(
  name: string,
  input: string[],
  output: string[],
  node: NodeProto[],
  more: MessageInitShape<typeof FunctionProtoSchema> = {},
): FunctionProto {
  const opsetImport = [{ domain: "", version: 15n }];
  return create(FunctionProtoSchema, { name, domain: "local", input, output, node, opsetImport, ...more });
}
