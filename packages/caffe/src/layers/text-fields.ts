import type { Message } from "@bufbuild/protobuf";
import type { CaffeFile } from "../file.ts";
import type { TextField } from "../text/tree.ts";

/** The text at a path of fields that the schema does not name, as written, or null. */
export function textAt({ unknown }: CaffeFile, message: Message, path: readonly string[]): string | null {
  let fields: readonly TextField[] = unknown.get(message) ?? [];
  for (const [depth, name] of path.entries()) {
    const value = fields.findLast((field) => field.name === name)?.values.at(-1);
    if (!value) return null;
    if (value.kind === "scalar")
      return depth === path.length - 1 ? `${value.negative ? "-" : ""}${value.parts.join("")}` : null;
    fields = value.fields;
  }
  return null;
}
