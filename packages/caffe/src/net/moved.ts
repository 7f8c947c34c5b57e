import { create, type DescMessage, type Message, type MessageShape } from "@bufbuild/protobuf";
import type { CaffeFile } from "../file.ts";
import type { TextField } from "../text/tree.ts";

/** Makes new messages from others, and copies the notes about those. */
export interface Mover {
  /** A message with the same values, which can be changed without changing the original. Nested values are shared. */
  copy<Desc extends DescMessage>(schema: Desc, from: MessageShape<Desc>): MessageShape<Desc>;
  /** Gives `to` the position of `from` in the file, and its unknown fields. */
  note<T extends Message>(to: T, from: Message): T;
  readonly places: ReadonlyMap<Message, string>;
  readonly unknown: ReadonlyMap<Message, readonly TextField[]>;
}

export function createMover(file: CaffeFile): Mover {
  const places = new Map(file.places);
  const unknown = new Map(file.unknown);
  const note = <T extends Message>(to: T, from: Message): T => {
    const [place, fields] = [places.get(from), unknown.get(from)];
    if (place !== undefined) places.set(to, place);
    if (fields) unknown.set(to, [...(unknown.get(to) ?? []), ...fields]);
    if (from.$unknown && from.$typeName === to.$typeName) to.$unknown = [...from.$unknown];
    return to;
  };
  // A message has its set fields as own properties; the others are on its prototype.
  const copy: Mover["copy"] = (schema, from) => note(Object.assign(create(schema), from), from);
  return { copy, note, places, unknown };
}
