import { FLOAT_TYPES, halfToNumber, type Narrow } from "../graph/float-types.ts";
import type { Tensor } from "./runtime.ts";
import type { Wave } from "./wave.ts";

/** Generated values for an input, by TensorProto.DataType. Integers are in [0, most] or [-most, most]. */
interface Kind {
  readonly type: string;
  make(length: number, wave: Wave, flat: boolean): unknown;
}

interface Numbers {
  [i: number]: number;
}

const floats = (type: string, Values: new (length: number) => Numbers): Kind => ({
  type,
  make: (length, wave) => filled(new Values(length), length, wave),
});
/** The values of the type as float32. */
const narrow = (type: Narrow): Kind => ({
  type,
  make: (length, wave) => filled(new Float32Array(length), length, (i) => FLOAT_TYPES[type].round(wave(i))),
});
const whole = (type: string, Values: new (length: number) => Numbers, most: number, signed: boolean): Kind => ({
  type,
  make: (length, wave, flat) =>
    filled(new Values(length), length, (i) =>
      flat ? 0 : Math.round(signed ? most * wave(i) : (most * (1 + Math.min(1, wave(i)))) / 2),
    ),
});
/** 64-bit integers are far more often indices and sizes than pictures. */
const long = (type: string, Values: typeof BigInt64Array | typeof BigUint64Array): Kind => ({
  type,
  make: (length) => new Values(length),
});

function filled<T extends Numbers>(data: T, length: number, value: Wave): T {
  for (let i = 0; i < length; i++) data[i] = value(i);
  return data;
}

const KINDS: Readonly<Record<number, Kind>> = {
  1: floats("float32", Float32Array),
  2: whole("uint8", Uint8Array, 255, false),
  3: whole("int8", Int8Array, 127, true),
  4: whole("uint16", Uint16Array, 255, false),
  5: whole("int16", Int16Array, 127, true),
  6: whole("int32", Int32Array, 127, true),
  7: long("int64", BigInt64Array),
  // Strings are digits, because a network may cast them to numbers.
  8: { type: "string", make: (length) => new Array(length).fill("0") },
  // true, because a mask then selects everything
  9: { type: "bool", make: (length) => new Uint8Array(length).fill(1) },
  10: narrow("float16"),
  11: floats("float64", Float64Array),
  12: whole("uint32", Uint32Array, 255, false),
  13: long("uint64", BigUint64Array),
  16: narrow("bfloat16"),
};

/** ONNX Runtime's name for an element type that an input may have. */
export function typeNameOf(elemType: number): string | undefined {
  return Object.hasOwn(KINDS, elemType) ? KINDS[elemType]?.type : undefined;
}

/** `length` values of a type. With `flat`, integers are 0. */
export function createValues(type: string, length: number, wave: Wave, flat: boolean): unknown {
  return Object.values(KINDS)
    .find((kind) => kind.type === type)
    ?.make(length, wave, flat);
}

/** Whether values of a type are sent as they are generated. Strings are a list, and narrow types are fed as float32. */
export function isPlain(type: string): boolean {
  return type !== "string" && !/^b?float16$/.test(type);
}

/** Whether `flat` changes the values. */
export function isWhole(type: string): boolean {
  return /^u?int(8|16|32)$/.test(type);
}

/**
 * The data to feed for a tensor that was given for an input of `type`: the tensor itself, or its values widened, which
 * loses nothing. float16 comes as bits. Null if the types do not fit.
 */
export function fedAs(tensor: Tensor, type: string): Tensor | null {
  const isNarrow = type === "float16" || type === "bfloat16";
  if (tensor.type === type && !isNarrow) return tensor;
  const bits = tensor.type === "float16" && tensor.data instanceof Uint16Array ? tensor.data : null;
  const values = bits ? Float32Array.from(bits, halfToNumber) : (tensor.data as ArrayLike<number>);
  if (isNarrow) {
    // numpy has no bfloat16, so float32 is accepted, and the network's own cast rounds it.
    const taken = tensor.type === type || (type === "bfloat16" && tensor.type === "float32");
    return taken ? { type: "float32", shape: tensor.shape, data: Float32Array.from(values) } : null;
  }
  if (tensor.type === "float16" && type === "float32")
    return { type, shape: tensor.shape, data: Float32Array.from(values) };
  const widens = (tensor.type === "float16" || tensor.type === "float32") && type === "float64";
  return widens ? { type, shape: tensor.shape, data: Float64Array.from(values) } : null;
}
