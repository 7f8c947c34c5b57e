import type { DescField, DescMessage } from "@bufbuild/protobuf";

type Fields<Key extends "name" | "number"> = ReadonlyMap<DescField[Key], DescField>;

const listed = {
  name: new WeakMap<DescMessage, Fields<"name">>(),
  number: new WeakMap<DescMessage, Fields<"number">>(),
};

/** The fields of a message by name or by number. Those of each message are listed once. */
export function fieldsBy<Key extends "name" | "number">(key: Key, desc: DescMessage): Fields<Key> {
  const known = listed[key] as WeakMap<DescMessage, Fields<Key>>;
  const fields = known.get(desc) ?? new Map(desc.fields.map((field) => [field[key], field]));
  known.set(desc, fields);
  return fields;
}
