import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** Bytes of memory that a decoded message takes in addition to its fields, and a field in addition to its values. */
const MESSAGE = 300;
const FIELD = 100;

/**
 * Bytes of memory per packed number for each of its bytes in the file. Byte fields are views of the file, and strings
 * are copies.
 */
const PACKED: Partial<Record<ScalarType, number>> = {
  [ScalarType.FLOAT]: 2,
  [ScalarType.DOUBLE]: 1,
  [ScalarType.INT32]: 8,
  [ScalarType.INT64]: 32,
  [ScalarType.UINT64]: 32,
};

/**
 * Estimates, to within a factor of 2, how many bytes the decoded form of `bytes` takes, and stops counting past
 * `limit`. A few bytes of a file can become hundreds in memory: ten million empty nodes fit in 20 MB.
 *
 * Errors: those of the reader, if the bytes are not protobuf.
 */
export function decodedSize(schema: DescMessage, bytes: Uint8Array, limit: number): number {
  const reader = new BinaryReader(bytes);
  const open = [{ fields: fieldsOf(schema), end: bytes.length }];
  let size = 0;
  for (let inside = open.at(-1); inside && size <= limit; inside = open.at(-1)) {
    if (reader.pos >= inside.end) {
      open.pop();
      continue;
    }
    const [number, wire] = reader.tag();
    const field = inside.fields.get(number);
    size += FIELD;
    if (wire !== WireType.LengthDelimited || !field) {
      reader.skip(wire, number);
    } else if (field.message) {
      size += MESSAGE;
      const length = reader.uint32();
      open.push({ fields: fieldsOf(field.message), end: reader.pos + length });
    } else {
      const start = reader.pos;
      reader.skip(wire, number);
      if (field.fieldKind === "list" && field.listKind === "scalar") {
        size += (reader.pos - start) * (PACKED[field.scalar] ?? 1);
      }
    }
  }
  return size;
}

const known = new WeakMap<DescMessage, ReadonlyMap<number, DescField>>();

function fieldsOf(schema: DescMessage): ReadonlyMap<number, DescField> {
  let fields = known.get(schema);
  if (!fields) {
    fields = new Map(schema.fields.map((field) => [field.number, field]));
    known.set(schema, fields);
  }
  return fields;
}
