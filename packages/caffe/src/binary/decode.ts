import { type DescEnum, type DescField, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { fieldsBy } from "../schema/fields.ts";
import { BYTES, FIXED32, FIXED64, VARINT, type WireField, wireFields } from "./wire.ts";

/** The bytes of memory that a decoded field takes, and a value for each byte of packed numbers. */
const FIELD_COST = 200;
/** A message has an array for each of its repeated fields. */
const MESSAGE_COST = 1000;
const VALUE_COST = 16;
/** The most bytes of the decoded form, without the blobs, which are views of the file. */
const MAX_DECODED = 2 ** 28;
const MAX_DEPTH = 100;

interface Scalar {
  readonly wire: number;
  readonly read: (reader: BinaryReader) => unknown;
}
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const SCALARS: Partial<Record<ScalarType, Scalar>> = {
  [ScalarType.FLOAT]: { wire: FIXED32, read: (reader) => reader.float() },
  [ScalarType.DOUBLE]: { wire: FIXED64, read: (reader) => reader.double() },
  [ScalarType.STRING]: { wire: BYTES, read: (reader) => utf8.decode(reader.bytes()) },
  [ScalarType.BYTES]: { wire: BYTES, read: (reader) => reader.bytes() },
  [ScalarType.BOOL]: { wire: VARINT, read: (reader) => reader.bool() },
  [ScalarType.INT32]: { wire: VARINT, read: (reader) => reader.int32() },
  [ScalarType.UINT32]: { wire: VARINT, read: (reader) => reader.uint32() },
  [ScalarType.INT64]: { wire: VARINT, read: (reader) => reader.int64() },
};

/** The bytes of a message, and the memory used for the whole file so far. */
interface Source {
  readonly bytes: Uint8Array;
  readonly made: { size: number };
  readonly depth: number;
}

/**
 * Fills a message from its bytes. Unlike protobuf-es's own reader, it keeps a field as unknown if its wire type differs
 * from the schema's, as protobuf's C++ reader does, because forks of Caffe gave the same numbers to other fields.
 * Values of type bytes are views of `bytes`.
 *
 * Errors: an `Error` that says what is wrong.
 */
export function decodeInto(message: ReflectMessage, bytes: Uint8Array): void {
  fill(message, { bytes, made: { size: 0 }, depth: 1 });
}

function fill(into: ReflectMessage, source: Source): void {
  const { bytes, made, depth } = source;
  if (depth > MAX_DEPTH) throw new Error(`messages are nested more than ${MAX_DEPTH} deep`);
  const fields = fieldsBy("number", into.desc);
  for (const found of wireFields(bytes)) {
    made.size += FIELD_COST;
    if (made.size > MAX_DECODED)
      throw new Error(
        `its decoded fields take more than ${MAX_DECODED} bytes: the file is damaged, or made to exhaust memory`,
      );
    const field = fields.get(found.number);
    if (field && setField(into, field, found, source)) continue;
    into.message.$unknown ??= [];
    into.message.$unknown.push({ no: found.number, wireType: found.wire, data: bytes.subarray(found.body, found.to) });
  }
}

/** Returns false if the field cannot hold the value that was found. */
function setField(into: ReflectMessage, field: DescField, found: WireField, source: Source): boolean {
  const inner = source.bytes.subarray(found.from, found.to);
  const child = (message: ReflectMessage) => {
    fill(message, { ...source, bytes: inner, depth: source.depth + 1 });
    return message;
  };
  if (field.message) {
    if (found.wire !== BYTES) return false;
    source.made.size += MESSAGE_COST;
    if (field.fieldKind === "list") into.get(field).add(child(reflect(field.message)));
    else if (field.fieldKind === "message")
      into.set(field, child(into.isSet(field) ? into.get(field) : reflect(field.message)));
    return true;
  }
  const scalar = SCALARS[field.enum ? ScalarType.INT32 : (field.scalar ?? ScalarType.INT32)];
  if (!scalar) return false;
  if (field.fieldKind === "list" && found.wire === BYTES && scalar.wire !== BYTES) {
    source.made.size += inner.length * VALUE_COST;
    return addPacked(into, field, scalar, inner);
  }
  if (found.wire !== scalar.wire) return false;
  const reader = new BinaryReader(source.bytes);
  reader.pos = found.body;
  const value = named(field, () => scalar.read(reader));
  if (!known(field.enum, value)) return false;
  if (field.fieldKind === "list") into.get(field).add(value);
  else into.set(field, value);
  return true;
}

function addPacked(
  into: ReflectMessage,
  field: DescField & { fieldKind: "list" },
  scalar: Scalar,
  inner: Uint8Array,
): boolean {
  const reader = new BinaryReader(inner);
  const values: unknown[] = [];
  while (reader.pos < inner.length) values.push(named(field, () => scalar.read(reader)));
  if (!values.every((value) => known(field.enum, value))) return false;
  const list = into.get(field);
  for (const value of values) list.add(value);
  return true;
}

function known(desc: DescEnum | undefined, value: unknown): boolean {
  return !desc || desc.values.some(({ number }) => number === value);
}

function named<T>(field: DescField, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const what = cause instanceof TypeError ? "text that is not UTF-8" : (cause as Error).message;
    throw new Error(`${field.parent.name}.${field.name} is ${what}`, { cause });
  }
}
