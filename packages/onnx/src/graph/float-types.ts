import type { Dtype } from "@bn/core";
import type { TensorProto } from "onnx-buf";

/** A type that is narrower than our dtypes. */
export type Narrow = "float16" | "bfloat16";

/** A type in which a normalization's weights may be stored. */
export interface FloatType {
  readonly name: Dtype | Narrow;
  /** Its name if it is narrower than our dtypes. */
  readonly narrow: Narrow | null;
  /** Its number in TensorProto.DataType. */
  readonly dataType: number;
  /** The dtype of our arithmetic on it. */
  readonly dtype: Dtype;
  readonly bytes: number;
  /** The unit roundoff. */
  readonly u: number;
  /** The smallest subnormal number. */
  readonly smallest: number;
  /** The least magnitude that rounds to infinity. */
  readonly overflow: number;
  /** The nearest number of the type, with ties to even; infinite beyond its range. */
  round(value: number): number;
  /** Numbers in raw_data. A number to write is rounded once from float64. */
  read(view: DataView, offset: number): number;
  write(view: DataView, offset: number, value: number): void;
  /** The values of a tensor that is not stored in raw_data. */
  typed(tensor: TensorProto): readonly number[];
}

const scratch = new DataView(new ArrayBuffer(4));

/** Converts an IEEE 754 binary16 to a number. Every binary16 is also a float32. */
export function halfToNumber(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The bits of a binary16. */
function halfBits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size === Number.POSITIVE_INFINITY) return sign | 0x7c00;
  // A subnormal number has exponent field 0.
  if (size < 2 ** -14) return sign | (size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  return sign | (((exponent + 14) << 10) + size / 2 ** (exponent - 10));
}

/** A bfloat16 is the upper half of a float32. */
function bfloatToNumber(bits: number): number {
  scratch.setUint32(0, (bits & 0xffff) << 16);
  return scratch.getFloat32(0);
}

function bfloatBits(value: number): number {
  scratch.setFloat32(0, value);
  return Number.isNaN(value) ? 0x7fc0 : scratch.getUint16(0);
}

/** From the bits of the significand, and the least and the largest exponent of normal numbers. */
function precisionOf(digits: number, least: number, most: number) {
  const overflow = 2 ** (most + 1) * (1 - 2 ** (-digits - 1));
  return { u: 2 ** -digits, smallest: 2 ** (least - digits + 1), overflow };
}

function narrow(
  name: Narrow,
  dataType: number,
  [digits, least, most]: readonly [number, number, number],
  decode: (bits: number) => number,
  encode: (value: number) => number,
): FloatType {
  const round = (value: number) => {
    if (!Number.isFinite(value) || value === 0) return value;
    const size = Math.abs(value);
    const unit = 2 ** (Math.max(Math.floor(Math.log2(size)), least) - digits + 1);
    const below = Math.floor(size / unit);
    const rest = size / unit - below;
    const rounded = (rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below) * unit;
    return Math.sign(value) * (rounded >= 2 ** (most + 1) ? Number.POSITIVE_INFINITY : rounded);
  };
  return {
    ...{ name, narrow: name, dataType, dtype: "float32", bytes: 2, round, ...precisionOf(digits, least, most) },
    read: (view, offset) => decode(view.getUint16(offset, true)),
    write: (view, offset, value) => view.setUint16(offset, encode(round(value)), true),
    typed: ({ int32Data }) => int32Data.map(decode),
  };
}

export const FLOAT_TYPES: Readonly<Record<Dtype | Narrow, FloatType>> = {
  float32: {
    ...{ name: "float32", narrow: null, dataType: 1, dtype: "float32", bytes: 4, ...precisionOf(24, -126, 127) },
    round: Math.fround,
    read: (view, offset) => view.getFloat32(offset, true),
    write: (view, offset, value) => view.setFloat32(offset, value, true),
    typed: ({ floatData }) => floatData,
  },
  float16: narrow("float16", 10, [11, -14, 15], halfToNumber, halfBits),
  float64: {
    ...{ name: "float64", narrow: null, dataType: 11, dtype: "float64", bytes: 8, ...precisionOf(53, -1022, 1023) },
    round: (value) => value,
    read: (view, offset) => view.getFloat64(offset, true),
    write: (view, offset, value) => view.setFloat64(offset, value, true),
    typed: ({ doubleData }) => doubleData,
  },
  bfloat16: narrow("bfloat16", 16, [8, -126, 127], bfloatToNumber, bfloatBits),
};

const BY_NUMBER = new Map(Object.values(FLOAT_TYPES).map((type) => [type.dataType, type]));

/** The type of a TensorProto.DataType; undefined for types that hold no weights. */
export function floatTypeOf(dataType: number): FloatType | undefined {
  return BY_NUMBER.get(dataType);
}

/** `values` as numbers of the type, each rounded once; null for a type that is not listed here. */
export function roundTo(dataType: number, values: Float64Array): Float64Array | null {
  const type = floatTypeOf(dataType);
  return type === undefined ? null : values.map(type.round);
}

/** Encodes `values` as raw_data of the type. */
export function packNumbers(dataType: number, values: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const type = floatTypeOf(dataType);
  if (type === undefined) throw new RangeError(`no numbers are packed as type ${dataType}`);
  const view = new DataView(new ArrayBuffer(values.length * type.bytes));
  for (let i = 0; i < values.length; i++) type.write(view, i * type.bytes, values[i] as number);
  return new Uint8Array(view.buffer);
}
