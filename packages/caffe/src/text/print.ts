import { type DescField, type DescMessage, fromBinary, type Message, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { bad } from "../file.ts";
import { BlobProtoSchema } from "../schema/caffe_pb.ts";
import { escapeString } from "./strings.ts";
import type { TextField, TextValue } from "./tree.ts";

interface Printing {
  readonly file: string;
  readonly unknown: ReadonlyMap<Message, readonly TextField[]>;
}

/** A message in protobuf's text format. */
export function printMessage(desc: DescMessage, message: Message, printing: Printing): string {
  const lines: string[] = [];
  print(reflect(desc, message), "", lines, printing);
  return lines.map((line) => `${line}\n`).join("");
}

function print(message: ReflectMessage, indent: string, lines: string[], printing: Printing): void {
  const nameless = message.message.$unknown?.[0];
  if (nameless) {
    const what = `${message.desc.name} has field ${nameless.no}, which has no name for the text format; write the binary format`;
    throw bad(printing.file, undefined, what);
  }
  for (const field of message.desc.fields) {
    if (!message.isSet(field)) continue;
    const value: unknown = message.get(field);
    const values = field.fieldKind === "list" ? message.get(field) : [value];
    for (const one of values) printValue(field, one, indent, lines, printing);
  }
  for (const field of printing.unknown.get(message.message) ?? []) printField(field, indent, lines);
}

function printValue(field: DescField, value: unknown, indent: string, lines: string[], printing: Printing): void {
  const inner = field.message
    ? (value as ReflectMessage)
    : field.name === "blobs"
      ? reflect(BlobProtoSchema, fromBinary(BlobProtoSchema, value as Uint8Array))
      : null;
  if (!inner) {
    lines.push(`${indent}${field.name}: ${scalarText(field, value)}`);
    return;
  }
  lines.push(`${indent}${field.name} {`);
  print(inner, `${indent}  `, lines, printing);
  lines.push(`${indent}}`);
}

function scalarText(field: DescField, value: unknown): string {
  if (field.enum) return field.enum.values.find(({ number }) => number === value)?.name ?? String(value);
  if (typeof value === "string") return escapeString(new TextEncoder().encode(value));
  if (value instanceof Uint8Array) return escapeString(value);
  if (typeof value !== "number") return String(value);
  return field.scalar === ScalarType.FLOAT ? floatText(value) : doubleText(value);
}

/** The shortest text that reads back as the same float32. */
function floatText(value: number): string {
  if (!Number.isFinite(value) || value === 0) return doubleText(value);
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return doubleText(short);
  }
  return doubleText(Number(value.toPrecision(9)));
}

function doubleText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0";
  const small = value !== 0 && Math.abs(value) < 1e-4;
  return (small ? value.toExponential() : String(value)).replace(/e([+-])(\d)$/, "e$10$2");
}

/** A field in the form in which it was read. */
function printField({ name, values, list }: TextField, indent: string, lines: string[]): void {
  if (list && values.every(({ kind }) => kind === "scalar")) {
    lines.push(`${indent}${name}: [${values.map(scalarSource).join(", ")}]`);
    return;
  }
  for (const value of values) {
    if (value.kind === "scalar") {
      lines.push(`${indent}${name}: ${scalarSource(value)}`);
      continue;
    }
    lines.push(`${indent}${name} {`);
    for (const field of value.fields) printField(field, `${indent}  `, lines);
    lines.push(`${indent}}`);
  }
}

function scalarSource(value: TextValue): string {
  return value.kind === "message" ? "" : `${value.negative ? "-" : ""}${value.parts.join(" ")}`;
}
