import { BnError, type Dtype, type HostArray, type Shape } from "@bn/core";
import { dataError, type Json, list, member, oneOf, text, whole, wrong } from "./json.ts";
import type { GoldenTensor } from "./types.ts";

/** The source of the files of a set: a folder, an archive, a server. Rejects if a file does not exist. */
export interface GoldenReader {
  bytes(name: string): Promise<Uint8Array>;
}

/** A file's name for messages, and its content. */
export async function readFile(reader: GoldenReader, where: string, name: string): Promise<Uint8Array> {
  try {
    return await reader.bytes(name);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const cure = "name a folder in the format of goldens/README.md";
    throw new BnError("ERR_BN_DATA", `${where}: cannot read ${name} (${why}); ${cure}`, { cause: error });
  }
}

const DTYPES: Readonly<Record<string, Dtype>> = { float32: "float32", float64: "float64" };
const MAX_AXES = 32;
const MAX_COUNT = 2 ** 31 - 1;

/** The files by name. Each is checked and read once. */
export async function readFiles(reader: GoldenReader, wanted: ReadonlyMap<string, string>) {
  const files = new Map<string, ArrayBuffer>();
  for (const [name, where] of wanted) {
    const bytes = await readFile(reader, where, name);
    // Typed arrays need aligned memory, and a reader's pooled buffer may be unaligned.
    files.set(name, new Uint8Array(bytes).buffer);
  }
  return files;
}

/** The file that a tensor names. It must be a path below the folder. */
export function tensorFile(json: Json): string {
  const file = member(json, "file");
  const name = text(file);
  const outside = /[\\:\0]/.test(name) || name.split("/").some((part) => part === "" || part === "." || part === "..");
  if (outside) throw wrong(file, "the name of a file inside the folder");
  return name;
}

/** Reads the tensors of one set. Tensors with equal content share their memory. */
export function tensorReader(files: ReadonlyMap<string, ArrayBuffer>) {
  const views = new Map<string, HostArray>();
  return (json: Json, dtype: Dtype): GoldenTensor => {
    const own = member(json, "dtype");
    if (oneOf(own, DTYPES) !== dtype) throw wrong(own, `"${dtype}", the case's`);
    const shape = shapeOf(member(json, "shape"));
    const size = dtype === "float32" ? 4 : 8;
    const name = tensorFile(json);
    const length = whole(member(json, "length"), 0);
    const expected = size * shape.reduce((a, b) => a * b, 1);
    if (length !== expected) throw wrong(member(json, "length"), `${expected}, ${size} bytes per element of its shape`);
    const offset = whole(member(json, "offset"), 0);
    if (offset % 8 !== 0) throw wrong(member(json, "offset"), "a multiple of 8");
    const buffer = files.get(name) as ArrayBuffer;
    if (offset + length > buffer.byteLength) {
      const what = `bytes ${offset} to ${offset + length} lie outside ${name}, which has ${buffer.byteLength}`;
      throw dataError(
        json.where,
        `${what}; the file is truncated or belongs to another set: restore it from its source`,
      );
    }
    const key = `${dtype} ${offset} ${length} ${name}`;
    const found = views.get(key);
    const View = dtype === "float32" ? Float32Array : Float64Array;
    const data = found ?? new View(buffer, offset, length / size);
    views.set(key, data);
    return { name: text(member(json, "name")), shape, data };
  };
}

function shapeOf(json: Json): Shape {
  const shape = list(json).map((axis) => whole(axis, 0));
  if (shape.length > MAX_AXES) throw wrong(json, `at most ${MAX_AXES} axes`);
  let count = 1;
  for (const axis of shape) {
    count *= axis;
    if (count > MAX_COUNT) throw wrong(json, "at most 2^31 - 1 elements");
  }
  return Object.freeze(shape);
}

export { DTYPES };
