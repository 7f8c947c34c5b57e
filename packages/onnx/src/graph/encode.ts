import type { Dtype, HostArray } from "@bn/core";
import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";

/** Sizes, or names for open sizes. */
export type OpenShape = readonly (number | string)[];

const { FLOAT, FLOATS, INT, INTS } = AttributeProto_AttributeType;

export function floatAttribute(name: string, f: number): AttributeProto {
  return create(AttributeProtoSchema, { name, f, type: FLOAT });
}

export function intAttribute(name: string, i: number): AttributeProto {
  return create(AttributeProtoSchema, { name, i: BigInt(i), type: INT });
}

export function floatsAttribute(name: string, floats: readonly number[]): AttributeProto {
  return create(AttributeProtoSchema, { name, floats: [...floats], type: FLOATS });
}

export function intsAttribute(name: string, ints: readonly number[]): AttributeProto {
  return create(AttributeProtoSchema, { name, ints: ints.map(BigInt), type: INTS });
}

export function nodeOf(
  opType: string,
  name: string,
  input: readonly string[],
  output: readonly string[],
  attribute: readonly AttributeProto[] = [],
): NodeProto {
  return create(NodeProtoSchema, { opType, name, input: [...input], output: [...output], attribute: [...attribute] });
}

export function elementType(dtype: Dtype): TensorProto_DataType {
  return dtype === "float32" ? TensorProto_DataType.FLOAT : TensorProto_DataType.DOUBLE;
}

export function tensorOf(name: string, dims: readonly number[], data: HostArray): TensorProto {
  const dataType = data instanceof Float32Array ? TensorProto_DataType.FLOAT : TensorProto_DataType.DOUBLE;
  return create(TensorProtoSchema, { name, dataType, dims: dims.map(BigInt), rawData: littleEndian(data) });
}

export function intTensor(name: string, values: readonly number[]): TensorProto {
  const int64Data = values.map(BigInt);
  return create(TensorProtoSchema, {
    name,
    dataType: TensorProto_DataType.INT64,
    dims: [BigInt(values.length)],
    int64Data,
  });
}

/** An input or output of a graph. */
export function valueInfo(name: string, elemType: TensorProto_DataType, dims: OpenShape): ValueInfoProto {
  const dim = dims.map((size) => ({
    value:
      typeof size === "number"
        ? { case: "dimValue" as const, value: BigInt(size) }
        : { case: "dimParam" as const, value: size },
  }));
  const type = { value: { case: "tensorType" as const, value: { elemType, shape: { dim } } } };
  return create(ValueInfoProtoSchema, { name, type });
}

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * raw_data is little-endian on every machine. The bytes are copied directly, because a NaN would lose its bits as a
 * number.
 */
export function littleEndian(data: HostArray): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  const size = data.BYTES_PER_ELEMENT;
  for (let i = 0; !LITTLE_ENDIAN && i < bytes.length; i += size) bytes.subarray(i, i + size).reverse();
  return bytes;
}
