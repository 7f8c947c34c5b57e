import type { Dtype, HostArray } from "@bn/core";
import type { TensorProto } from "onnx-buf";
import { FLOAT_TYPES, floatTypeOf, type Narrow } from "./float-types.ts";

/** A tensor's numbers, widened if their type is narrower than our dtypes. */
export interface Numbers {
  readonly dims: readonly number[];
  readonly dtype: Dtype;
  readonly data: HostArray;
  /** float16 or bfloat16 if the file has that type. */
  readonly narrow: Narrow | null;
}

/** The names of TensorProto.DataType, for messages. */
const NAMES =
  "undefined float32 uint8 int8 uint16 int16 int32 int64 string bool float16 float64 uint32 uint64 complex64 complex128 bfloat16".split(
    " ",
  );

/**
 * The numbers of a tensor, from raw_data or from the field of its type, or a text that says why there are none. The
 * length of the data is compared with the dims before anything is allocated, however large they are.
 */
export function numbersOf(tensor: TensorProto): Numbers | string {
  const type = floatTypeOf(tensor.dataType);
  if (!type) {
    const known = Object.keys(FLOAT_TYPES).join(", ");
    return `is of type ${NAMES[tensor.dataType] ?? tensor.dataType}, expected ${known}`;
  }
  const dims = tensor.dims.map(Number);
  const count = dims.reduce((a, b) => a * b, 1);
  const shape = `[${dims}]`;
  if (!dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) return `has shape ${shape}, expected whole numbers`;
  if (tensor.segment) return "is one segment of a tensor, expected the whole tensor; save the model again";
  const { bytes, dtype, name } = type;
  const { rawData } = tensor;
  const typed = type.typed(tensor);
  const inRaw = rawData.length > 0 || typed.length === 0;
  const given = inRaw ? rawData.length / bytes : typed.length;
  if (given !== count) {
    const held = Number.isInteger(given) ? given : `${rawData.length} bytes`;
    return `has shape ${shape}, that is ${count} values, and holds ${held} (${name})`;
  }
  const data = dtype === "float32" ? new Float32Array(count) : new Float64Array(count);
  if (inRaw) {
    const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
    for (let i = 0; i < count; i++) data[i] = type.read(view, i * bytes);
  } else {
    data.set(typed);
  }
  return { dims, dtype, data, narrow: type.narrow };
}

/** The numbers of an int64 tensor, as far as a float64 is exact, or a text that says why there are none. */
export function wholeNumbersOf(tensor: TensorProto): { dims: readonly number[]; data: readonly number[] } | string {
  const { dataType, rawData, int64Data } = tensor;
  if (dataType !== 7) return `are of type ${NAMES[dataType] ?? dataType}, expected int64`;
  const dims = tensor.dims.map(Number);
  const count = dims.reduce((a, b) => a * b, 1);
  const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
  const given = rawData.length > 0 ? rawData.length / 8 : int64Data.length;
  if (given !== count) return `have shape [${dims}], that is ${count} values, and hold ${given}`;
  const at = (i: number) => (rawData.length > 0 ? view.getBigInt64(i * 8, true) : (int64Data[i] as bigint));
  return { dims, data: Array.from({ length: count }, (_, i) => Number(at(i))) };
}
