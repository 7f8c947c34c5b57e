import type { BnError } from "@bn/core";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { holdsNumbers } from "./numbers.ts";
import { BYTES, VARINT, varintOf, type WireField, wireFields } from "./wire.ts";

/** The field numbers of BlobProto. The last four belong to NVIDIA's fork. */
export const FIELD = {
  num: 1,
  width: 4,
  data: 5,
  diff: 6,
  shape: 7,
  doubleData: 8,
  doubleDiff: 9,
  rawDataType: 10,
  rawDiffType: 11,
  rawData: 12,
  rawDiff: 13,
} as const;

/** The fields with repeated numbers, with the bytes per number. */
const SIZES: Readonly<Record<number, number>> = {
  [FIELD.data]: 4,
  [FIELD.diff]: 4,
  [FIELD.doubleData]: 8,
  [FIELD.doubleDiff]: 8,
};

/** Caffe's kMaxBlobAxes. */
const MAX_AXES = 32;

/** The content of a BlobProto without its numbers. */
export interface Tally {
  /** The bytes of the numbers of each field, by field number; absent if the field is. */
  readonly numbers: ReadonlyMap<number, number>;
  /** num, channels, height and width, or null if the blob has none of them. */
  readonly legacy: readonly number[] | null;
  readonly dims: readonly number[];
  /** The last raw_data and raw_diff, and their types. */
  readonly raw: ReadonlyMap<number, WireField>;
  readonly rawTypes: ReadonlyMap<number, number>;
}

export type Fail = (what: string, cause?: unknown) => BnError;

export function tallyOf(bytes: Uint8Array, fail: Fail): Tally {
  const numbers = new Map<number, number>();
  const legacy = [0, 0, 0, 0];
  let hasLegacy = false;
  const dims: number[] = [];
  const raw = new Map<number, WireField>();
  const rawTypes = new Map<number, number>();
  for (const field of fieldsOf(bytes, fail)) {
    const { number, wire, from, to } = field;
    const size = SIZES[number];
    if (size !== undefined) {
      if (holdsNumbers(field, size)) numbers.set(number, (numbers.get(number) ?? 0) + to - from);
      else if (wire === BYTES)
        throw fail(`field ${number} has ${to - from} bytes, expected a multiple of ${size}; fetch the file again`);
    } else if (number <= FIELD.width && wire === VARINT) {
      hasLegacy = true;
      legacy[number - FIELD.num] = varintOf(bytes, field);
    } else if (number === FIELD.shape && wire === BYTES) {
      addDims(bytes.subarray(from, to), dims, fail);
    } else if ((number === FIELD.rawData || number === FIELD.rawDiff) && wire === BYTES) {
      raw.set(number, field);
    } else if ((number === FIELD.rawDataType || number === FIELD.rawDiffType) && wire === VARINT) {
      rawTypes.set(number, varintOf(bytes, field));
    }
  }
  return { numbers, legacy: hasLegacy ? legacy : null, dims, raw, rawTypes };
}

function* fieldsOf(bytes: Uint8Array, fail: Fail): Generator<WireField> {
  try {
    yield* wireFields(bytes);
  } catch (cause) {
    if ((cause as { code?: string }).code === "ERR_BN_DATA") throw cause;
    throw fail(`${bytes.length} bytes that are not a blob (${(cause as Error).message}); fetch the file again`, cause);
  }
}

function addDims(shape: Uint8Array, dims: number[], fail: Fail): void {
  for (const field of fieldsOf(shape, fail)) {
    if (field.number !== 1) continue;
    if (field.wire === VARINT) dims.push(varintOf(shape, field));
    if (field.wire === BYTES) {
      const packed = new BinaryReader(shape.subarray(field.from, field.to));
      while (packed.pos < packed.len && dims.length <= MAX_AXES) dims.push(nextDim(packed, fail));
    }
    if (dims.length > MAX_AXES)
      throw fail(`has more than ${MAX_AXES} axes, Caffe's limit: it is damaged, or not a blob`);
  }
}

function nextDim(packed: BinaryReader, fail: Fail): number {
  try {
    return Number(packed.int64());
  } catch (cause) {
    throw fail(`its shape does not decode (${(cause as Error).message}); fetch the file again`, cause);
  }
}
