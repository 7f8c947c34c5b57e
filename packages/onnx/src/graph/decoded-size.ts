import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** Bytes that a decoded message takes beside its fields, and a field beside its values. */
const MESSAGE = 300;
const FIELD = 100;

/** Bytes that packed numbers take for each of theirs in the file; bytes are a view of it, strings a copy. */
const PACKED: Partial<Record<ScalarType, number>> = {
  [ScalarType.FLOAT]: 2,
  [ScalarType.DOUBLE]: 1,
  [ScalarType.INT32]: 8,
  [ScalarType.INT64]: 32,
  [ScalarType.UINT64]: 32,
};

/**
 * About how many bytes the decoded form of `bytes` takes, give or take a factor of 2; stops counting past `limit`.
 * A few bytes of a file can stand for hundreds in memory: ten million empty nodes fit in 20 MB.
 *
 * Errors: those of the reader, where the bytes are not protobuf.
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
