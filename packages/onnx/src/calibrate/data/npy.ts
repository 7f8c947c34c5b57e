import { dataError } from "../../graph/errors.ts";
import { halfToNumber } from "../../graph/float-types.ts";
import type { Tensor } from "../../verify/runtime.ts";
import { arrayOf } from "../../verify/wire.ts";

/** The content of the header of a .npy file. */
export interface NpyHead {
  /** ONNX Runtime's name of the element type. */
  readonly type: string;
  /** Bytes per element. */
  readonly bytes: number;
  /** Whether elements are stored in big-endian order. */
  readonly swapped: boolean;
  readonly shape: readonly number[];
  /** The offset of the first element. */
  readonly start: number;
}

/** NumPy's types with ONNX Runtime's names. */
const TYPES: Readonly<Record<string, string>> = {
  ...{ f2: "float16", f4: "float32", f8: "float64", i1: "int8", i2: "int16", i4: "int32", i8: "int64" },
  ...{ u1: "uint8", u2: "uint16", u4: "uint32", u8: "uint64", b1: "bool" },
};

/** The reason why a file with `size` bytes of values is wrong, or null. */
export function wrongSize({ type, bytes, shape }: NpyHead, size: number): string | null {
  const expected = shape.reduce((a, b) => a * b, bytes);
  if (size === expected) return null;
  const what = size < expected ? "truncated" : "more than one array, or damaged";
  return `has ${size} bytes of values, expected ${expected} for ${type} [${shape}]: ${what}; save it again`;
}

/**
 * The array of a whole .npy file, in C order. Values of float16 are widened. `where` is the file's name in messages.
 *
 * Errors: `ERR_BN_DATA` if the file is truncated, or has a type or order that networks do not accept.
 */
export function parseNpy(bytes: Uint8Array, where: string): Tensor {
  const length = npyHeadLength(bytes.subarray(0, NPY_PREFIX));
  const head = typeof length === "string" ? length : readNpyHead(bytes.subarray(0, length));
  const wrong = typeof head === "string" ? head : wrongSize(head, bytes.length - head.start);
  if (typeof head === "string" || wrong !== null) throw dataError(`${where}: ${wrong}`);
  const data = npyValues(head, Uint8Array.from(bytes.subarray(head.start)));
  const { type, shape } = head;
  return { type, shape, data: type === "float16" ? Float32Array.from(data as Uint16Array, halfToNumber) : data };
}

/** The number of bytes needed to find the length of the header. */
export const NPY_PREFIX = 12;
/** NumPy's own limit is 10,000 characters. */
const MOST_TEXT = 2 ** 16;

/**
 * The size of the whole header in bytes, from its first `NPY_PREFIX` bytes, or a text that says why it is not a header.
 */
export function npyHeadLength(prefix: Uint8Array): number | string {
  const magic = String.fromCharCode(...prefix.subarray(0, 6));
  if (prefix.length < NPY_PREFIX || magic !== "\x93NUMPY") return "is not a .npy file; save it with numpy.save";
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  const major = prefix[6] as number;
  if (major < 1 || major > 3) return `is a .npy file of version ${major}, expected 1, 2 or 3; save it with numpy.save`;
  const [start, text] = major === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  if (text > MOST_TEXT)
    return `has a header of ${text} bytes, expected at most ${MOST_TEXT}: it is damaged; save it again`;
  return Math.max(start + text, NPY_PREFIX);
}

/** Parses a whole header. Returns a text if it is invalid. */
export function readNpyHead(head: Uint8Array): NpyHead | string {
  const start = head[6] === 1 ? 10 : 12;
  const text = new TextDecoder("latin1").decode(head.subarray(start));
  const descr = /'descr':\s*'([<>|=]?)([a-z]\d+)'/.exec(text);
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const sizes = /'shape':\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  if (!descr || order === undefined || sizes === undefined) {
    return `has the header ${JSON.stringify(text.trim().slice(0, 120))}, expected a simple type, an order and a shape`;
  }
  const [, endian, code = ""] = descr;
  const type = Object.hasOwn(TYPES, code) ? TYPES[code] : undefined;
  if (type === undefined)
    return `holds ${code}, expected ${Object.keys(TYPES).join(", ")}; convert it with numpy's astype`;
  if (order === "True") return "is in Fortran order; convert it with numpy.ascontiguousarray before saving";
  const bytes = arrayOf(type).BYTES_PER_ELEMENT;
  const shape = sizes.split(",").flatMap((size) => (size.trim() === "" ? [] : [Number(size)]));
  if (!shape.every(Number.isSafeInteger) || !Number.isSafeInteger(shape.reduce((a, b) => a * b, bytes))) {
    return `has shape [${shape}], which is more than a file can hold`;
  }
  return { type, bytes, swapped: endian === ">" && bytes > 1, shape, start: head.length };
}

/**
 * Converts bytes to numbers of the type; float16 stays as bits. `bytes` must begin at the start of its memory, and may
 * be changed.
 */
export function npyValues({ type, bytes: size, swapped }: NpyHead, bytes: Uint8Array<ArrayBuffer>) {
  for (let i = 0; swapped && i < bytes.length; i += size) bytes.subarray(i, i + size).reverse();
  return new (arrayOf(type))(bytes.buffer, bytes.byteOffset, bytes.length / size);
}
