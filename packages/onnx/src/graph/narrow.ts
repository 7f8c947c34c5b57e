import type { TensorProto } from "onnx-buf";
import { type Narrow, roundTo as roundOne } from "./half.ts";

interface Format {
  readonly bytes: number;
  /** The nearest number of the type, with ties to even; infinite beyond its range. */
  round(value: number): number;
  put(view: DataView, offset: number, value: number): void;
}

const scratch = new DataView(new ArrayBuffer(4));

/** The bits of the nearest number of a narrow format. `value` is rounded once from float64, not by way of float32. */
function bitsOf(format: Narrow, value: number): number {
  if (Number.isNaN(value)) return format === "float16" ? 0x7e00 : 0x7fc0;
  const rounded = roundOne(format, value);
  if (format === "bfloat16") {
    // A bfloat16 is the upper half of a float32.
    scratch.setFloat32(0, rounded);
    return scratch.getUint16(0);
  }
  const sign = rounded < 0 || Object.is(rounded, -0) ? 0x8000 : 0;
  const size = Math.abs(rounded);
  if (size === Number.POSITIVE_INFINITY) return sign | 0x7c00;
  // A subnormal number has exponent field 0.
  if (size < 2 ** -14) return sign | (size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  return sign | (((exponent + 14) << 10) + size / 2 ** (exponent - 10));
}

const narrow = (format: Narrow): Format => ({
  bytes: 2,
  round: (value) => roundOne(format, value),
  put: (view, offset, value) => view.setUint16(offset, bitsOf(format, value), true),
});

/** The types in which a normalization's weights may be stored, by TensorProto.DataType. */
const FORMATS: Readonly<Record<number, Format>> = {
  1: { bytes: 4, round: Math.fround, put: (view, offset, value) => view.setFloat32(offset, value, true) },
  10: narrow("float16"),
  11: { bytes: 8, round: (value) => value, put: (view, offset, value) => view.setFloat64(offset, value, true) },
  16: narrow("bfloat16"),
};

/** `values` as numbers of the type, each rounded once; null for a type that is not listed here. */
export function roundTo(dataType: TensorProto["dataType"], values: Float64Array): Float64Array | null {
  const format = FORMATS[dataType];
  return format === undefined ? null : values.map(format.round);
}

/** Encodes `values` as raw_data of the type. */
export function packNumbers(dataType: TensorProto["dataType"], values: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const format = FORMATS[dataType];
  if (format === undefined) throw new RangeError(`no numbers are packed as type ${dataType}`);
  const view = new DataView(new ArrayBuffer(values.length * format.bytes));
  for (let i = 0; i < values.length; i++) format.put(view, i * format.bytes, values[i] as number);
  return new Uint8Array(view.buffer);
}
