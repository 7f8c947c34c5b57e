import type { TensorProto } from "onnx-buf";
import { halfToNumber } from "./half.ts";

interface Format {
  readonly bytes: number;
  /** The nearest number of the type, with ties to even; infinite beyond its range. */
  round(value: number): number;
  put(view: DataView, offset: number, value: number): void;
}

const scratch = new DataView(new ArrayBuffer(4));

/** The bits of the nearest float16. `value` is rounded once from float64, not by way of float32. */
function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00; // half way to 2^16, which float16 does not have
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const steps = roundToEven(size / 2 ** (exponent - 10));
  // A carry out of the fraction gives the first number of the next exponent, and a subnormal has exponent field 0.
  return sign | (size < 2 ** -14 ? steps : ((exponent + 14) << 10) + steps);
}

/** The bits of the nearest bfloat16, which is the upper half of a float32. */
function bfloatBits(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  const size = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const exponent = Math.max(-126, Math.floor(Math.log2(size)));
  const steps = roundToEven(size / 2 ** (exponent - 7));
  if (steps * 2 ** (exponent - 7) >= 2 ** 128) return sign | 0x7f80;
  return sign | (size < 2 ** -126 ? steps : ((exponent + 126) << 7) + steps);
}

function bfloatToNumber(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** The types in which a normalization's weights may be stored, by TensorProto.DataType. */
const FORMATS: Readonly<Record<number, Format>> = {
  1: { bytes: 4, round: Math.fround, put: (view, offset, value) => view.setFloat32(offset, value, true) },
  10: {
    bytes: 2,
    round: (value) => halfToNumber(halfBits(value)),
    put: (view, offset, value) => view.setUint16(offset, halfBits(value), true),
  },
  11: { bytes: 8, round: (value) => value, put: (view, offset, value) => view.setFloat64(offset, value, true) },
  16: {
    bytes: 2,
    round: (value) => bfloatToNumber(bfloatBits(value)),
    put: (view, offset, value) => view.setUint16(offset, bfloatBits(value), true),
  },
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
