import { create, type DescField, type Message, ScalarType, toBinary } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { BlobProtoSchema } from "../schema/caffe_pb.ts";
import { fieldsBy } from "../schema/fields.ts";
import { enumOf, scalarOf } from "./scalars.ts";
import type { FailAt } from "./tokens.ts";
import type { TextField, TextMessage, TextValue } from "./tree.ts";

/** The notes about each message that decoding makes. */
export interface Notes {
  readonly starts: Map<Message, number>;
  readonly unknown: Map<Message, TextField[]>;
}

/** Fills `into` from the fields of a text. Errors: those that `failAt` makes. */
export function decodeTree(into: ReflectMessage, fields: readonly TextField[], notes: Notes, failAt: FailAt): void {
  const known = fieldsBy("name", into.desc);
  for (const one of fields) {
    const field = known.get(one.name);
    if (!field || unnamedEnum(field, one)) {
      const others = notes.unknown.get(into.message) ?? [];
      notes.unknown.set(into.message, others);
      others.push(one);
      continue;
    }
    const repeated = field.fieldKind === "list";
    if (!repeated && (into.isSet(field) || one.values.length !== 1)) {
      throw failAt(
        one.start,
        `${one.name} is given again, expected one value in ${into.desc.name}; delete one of them`,
      );
    }
    for (const value of one.values) {
      const decoded = valueFrom(field, value, notes, failAt);
      if (repeated) into.get(field).add(decoded);
      else into.set(field, decoded);
    }
  }
}

/** An enum value of a fork, as in `type: BN` of V1, is kept as text. */
function unnamedEnum(field: DescField, { values }: TextField): boolean {
  const desc = field.enum;
  if (!desc) return false;
  return values.some(
    (value) =>
      value.kind === "scalar" && value.token === "name" && !value.negative && "expected" in enumOf(desc, value),
  );
}

function valueFrom(field: DescField, value: TextValue, notes: Notes, failAt: FailAt): unknown {
  if (field.message) {
    const message = reflect(field.message);
    const tree = expectMessage(field, value, failAt);
    notes.starts.set(message.message, tree.start);
    decodeTree(message, tree.fields, notes, failAt);
    return message;
  }
  if (value.kind === "message") {
    if (field.name === "blobs") return blobBytes(value, notes, failAt);
    throw failAt(value.start, `a message in braces, expected a value for ${field.name}`);
  }
  const outcome = field.enum ? enumOf(field.enum, value) : scalarOf(field.scalar ?? ScalarType.STRING, value);
  if ("value" in outcome) return outcome.value;
  const came = `${value.negative ? "-" : ""}${value.parts.join(" ").slice(0, 60)}`;
  throw failAt(value.start, `${field.name} is ${came}, expected ${outcome.expected}`);
}

function expectMessage(field: DescField, value: TextValue, failAt: FailAt): TextMessage {
  if (value.kind === "message") return value;
  throw failAt(value.start, `${field.name} is ${value.parts.join(" ").slice(0, 60)}, expected a message in braces`);
}

/** The schema has blobs as bytes, but a text has them as messages. */
function blobBytes(value: TextMessage, notes: Notes, failAt: FailAt): Uint8Array {
  const blob = create(BlobProtoSchema);
  decodeTree(reflect(BlobProtoSchema, blob), value.fields, notes, failAt);
  const unknown = notes.unknown.get(blob)?.[0];
  if (unknown) throw failAt(unknown.start, `${unknown.name} is not a field of a blob; delete it`);
  return toBinary(BlobProtoSchema, blob);
}
