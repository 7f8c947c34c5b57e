import { create, type Message } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { bad, type CaffeFile, type ReadOptions } from "../file.ts";
import { NetParameterSchema } from "../schema/caffe_pb.ts";
import { decodeTree, type Notes } from "./decode.ts";
import { createPlaces } from "./places.ts";
import { printMessage } from "./print.ts";
import type { FailAt } from "./tokens.ts";
import { parseTree } from "./tree.ts";

/** Networks have some thousand lines. Texts that contain weights are not supported. */
export const MAX_TEXT = 2 ** 24;

/**
 * Reads a `.prototxt`, in the whole of protobuf's text format. Comments are not kept.
 *
 * Errors: `ERR_BN_DATA` with line and column if the text is not in text format, a value has another type, a field is
 * repeated, or the text has more than 16 MiB.
 *
 * @example
 * ```ts
 * import { readNet } from "@bn/caffe";
 * const { message, places } = readNet('name: "net"\nlayer { name: "bn" type: "BatchNorm" batch_norm_param < eps: 1e-3f > }');
 * const layer = message.layer[0]!;
 * console.log(layer.type, layer.batchNormParam!.eps === Math.fround(1e-3), places.get(layer)); // BatchNorm true 2:7
 * ```
 */
export function readNet(text: string, { file = "net" }: ReadOptions = {}): CaffeFile {
  if (text.length > MAX_TEXT) {
    throw bad(file, undefined, `${text.length} characters, expected at most ${MAX_TEXT}; put weights in a .caffemodel`);
  }
  const placeAt = createPlaces(text);
  const failAt: FailAt = (offset, what, opened) =>
    bad(file, placeAt(offset), opened === undefined ? what : `${what} of ${placeAt(opened)}`);
  const fields = parseTree(text.charCodeAt(0) === 0xfeff ? ` ${text.slice(1)}` : text, failAt);
  const message = create(NetParameterSchema);
  const notes: Notes = { starts: new Map(), unknown: new Map() };
  decodeTree(reflect(NetParameterSchema, message), fields, notes, failAt);
  const places = new Map<Message, string>();
  for (const [inner, start] of notes.starts) places.set(inner, placeAt(start));
  return { file, message, places, unknown: notes.unknown };
}

/**
 * Writes the text of a network, in the schema's order, like Caffe's own tools. Blobs are written out. Fields that the
 * schema does not name follow the other fields of their message.
 *
 * Errors: `ERR_BN_DATA` if the network was read from binary and has fields without a name.
 */
export function writeNet({ file, message, unknown }: CaffeFile): string {
  return printMessage(NetParameterSchema, message, { file, unknown });
}
