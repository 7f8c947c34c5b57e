import { BnError, type HostArray, type Shape } from "@bn/core";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { countOf, MAX_COUNT } from "../count.ts";
import { halfToNumber } from "./half.ts";
import { bytesOfNumbers, DOUBLE, FLOAT, HALF, joinNumbers } from "./numbers.ts";
import { type Fail, FIELD, type Tally, tallyOf } from "./tally.ts";
import { BYTES, VARINT, wireFields } from "./wire.ts";

/** One blob of a layer, with the values that training produced. */
export interface CaffeBlob {
  /** If `legacy`, the four sizes num, channels, height and width. An empty shape is a scalar. */
  readonly shape: Shape;
  /** A Float64Array if the file has `double_data`. */
  readonly data: HostArray;
  /** The gradient, if the file has one. */
  readonly diff: HostArray | null;
  /** Whether the shape is written as num, channels, height and width, as before 2015. */
  readonly legacy: boolean;
  /** "float16" means that the file has NVIDIA's raw_data in half precision; data is then float32, exactly. */
  readonly stored: "float32" | "float64" | "float16";
}

/** Element sizes by NVIDIA's type numbers. Integer types do not hold weights. */
const RAW_TYPES = [DOUBLE, FLOAT, HALF];

/**
 * Decodes a blob of a layer's `blobs`. Packed and unpacked numbers are treated alike. If there are several fields,
 * `double_data` has priority over `data`, as in Caffe, and both over NVIDIA's `raw_data`.
 *
 * Errors: `ERR_BN_DATA`, prefixed by `where`, if it is not a blob, or if the number of values does not fit its shape.
 *
 * Source: BVLC Caffe, `Blob::FromProto`.
 *
 * @example
 * ```ts
 * import { decodeBlob, encodeBlob } from "@bn/caffe";
 * const bytes = encodeBlob({ shape: [2], data: new Float32Array([1, 2]) });
 * console.log(decodeBlob(bytes).shape, decodeBlob(bytes).data); // [ 2 ] Float32Array(2) [ 1, 2 ]
 * ```
 */
export function decodeBlob(bytes: Uint8Array, where = "blob"): CaffeBlob {
  const fail: Fail = (what, cause) => new BnError("ERR_BN_DATA", `${where}: ${what}`, { cause });
  const tally = tallyOf(bytes, fail);
  const shape = tally.legacy ?? tally.dims;
  const wrong = shape.find((size) => size < 0);
  if (wrong !== undefined) throw fail(`shape [${shape}] has the size ${wrong}, expected 0 or more`);
  const count = countOf(shape);
  if (count > MAX_COUNT) throw fail(`shape [${shape}] has ${count} values, expected at most ${MAX_COUNT} as in Caffe`);

  const values = (name: "data" | "diff") => {
    const found = pick(bytes, tally, name, fail);
    if (found && found.data.length !== count) {
      const what = `shape [${shape}] has ${count} values, and ${name} has ${found.data.length}`;
      throw fail(`${what}: the file is truncated, or damaged by the program that wrote it; fetch it again`);
    }
    return found;
  };
  const data = values("data") ?? { data: new Float32Array(0), stored: "float32" as const };
  if (data.data.length !== count) {
    throw fail(`shape [${shape}] has ${count} values, and the file holds no values; pass a file with trained weights`);
  }
  return { shape, legacy: tally.legacy !== null, ...data, diff: values("diff")?.data ?? null };
}

const NAMES = {
  data: { float: FIELD.data, double: FIELD.doubleData, raw: FIELD.rawData, rawType: FIELD.rawDataType },
  diff: { float: FIELD.diff, double: FIELD.doubleDiff, raw: FIELD.rawDiff, rawType: FIELD.rawDiffType },
} as const;

function pick(
  bytes: Uint8Array,
  { numbers, raw, rawTypes }: Tally,
  name: "data" | "diff",
  fail: Fail,
): Pick<CaffeBlob, "data" | "stored"> | null {
  const at = NAMES[name];
  const [doubles, floats] = [numbers.get(at.double) ?? 0, numbers.get(at.float) ?? 0];
  if (doubles > 0) return { data: joinNumbers(bytes, at.double, doubles, DOUBLE), stored: "float64" };
  if (floats > 0) return { data: joinNumbers(bytes, at.float, floats, FLOAT), stored: "float32" };
  const field = raw.get(at.raw);
  if (!field) return null;
  const type = rawTypes.get(at.rawType) ?? 0;
  const array = RAW_TYPES[type];
  const length = field.to - field.from;
  if (!array) throw fail(`raw_${name} is of type ${type}, expected 0 (double), 1 (float) or 2 (float16)`);
  if (length % array.size !== 0) throw fail(`raw_${name} has ${length} bytes, expected a multiple of ${array.size}`);
  const values = joinNumbers(bytes.subarray(field.start, field.to), at.raw, length, array);
  if (values instanceof Uint16Array) return { data: Float32Array.from(values, halfToNumber), stored: "float16" };
  return { data: values, stored: type === 0 ? "float64" : "float32" };
}

/** The content that `encodeBlob` writes. */
export interface BlobContent {
  readonly shape: Shape;
  readonly data: HostArray;
  readonly diff?: HostArray | null;
  readonly legacy?: boolean;
}

/** Encodes a blob as Caffe writes it: packed, with `double_data` for a Float64Array. */
export function encodeBlob({ shape, data, diff = null, legacy = false }: BlobContent): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter();
  if (legacy) for (const [i, size] of shape.entries()) writer.tag(FIELD.num + i, VARINT).int64(size);
  const doubles = data instanceof Float64Array;
  writer.tag(doubles ? FIELD.doubleData : FIELD.data, BYTES).bytes(bytesOfNumbers(data));
  if (diff) writer.tag(doubles ? FIELD.doubleDiff : FIELD.diff, BYTES).bytes(bytesOfNumbers(diff));
  if (!legacy) {
    const dims = new BinaryWriter();
    for (const size of shape) dims.int64(size);
    writer.tag(FIELD.shape, BYTES).bytes(new BinaryWriter().tag(1, BYTES).bytes(dims.finish()).finish());
  }
  return writer.finish();
}

const NUMBERS: readonly number[] = [...Object.values(NAMES.data), ...Object.values(NAMES.diff)];

/**
 * Replaces the numbers in `bytes`. The form is kept: the way the shape is written, float or double, and every other
 * field. A diff is left out, because it belongs to the old numbers. float16 becomes float32. float32 becomes
 * `double_data` if a value is not a float32.
 *
 * Errors: those of `decodeBlob`; `ERR_BN_SHAPE` for another number of values.
 */
export function replaceData(bytes: Uint8Array, data: ArrayLike<number>, where = "blob"): Uint8Array<ArrayBuffer> {
  const old = decodeBlob(bytes, where);
  if (data.length !== old.data.length) {
    throw new BnError(
      "ERR_BN_SHAPE",
      `${where}: got ${data.length} values, expected ${old.data.length} as in the file`,
    );
  }
  const doubles = old.stored === "float64" || !isFloats(data);
  const writer = new BinaryWriter();
  for (const { number, start, to } of wireFields(bytes)) {
    if (!NUMBERS.includes(number)) writer.raw(bytes.subarray(start, to));
  }
  const numbers = doubles ? Float64Array.from(data) : Float32Array.from(data);
  writer.tag(doubles ? FIELD.doubleData : FIELD.data, BYTES).bytes(bytesOfNumbers(numbers));
  return writer.finish();
}

function isFloats(data: ArrayLike<number>): boolean {
  if (data instanceof Float32Array) return true;
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (!Object.is(Math.fround(value), value)) return false;
  }
  return true;
}
