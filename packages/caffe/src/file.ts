import { BnError } from "@bn/core";
import type { Message } from "@bufbuild/protobuf";
import type { NetParameter } from "./schema/caffe_pb.ts";
import type { TextField } from "./text/tree.ts";

/**
 * A network or its weights, as a file of Caffe contains it. `message` is the whole content. Fields that the schema does
 * not name are kept (in `$unknown` of a message read from binary, in `unknown` here for text).
 */
export interface CaffeFile {
  /** The name of the file in messages. */
  readonly file: string;
  readonly message: NetParameter;
  /** The position of each message in the text, e.g. "12:3"; empty for a binary file. */
  readonly places: ReadonlyMap<Message, string>;
  /** Fields of the text that the schema does not name. */
  readonly unknown: ReadonlyMap<Message, readonly TextField[]>;
}

export interface ReadOptions {
  /** The file's name, for messages. */
  readonly file?: string;
}

/** Makes an error that names the file and the position in it. */
export function bad(file: string, place: string | undefined, what: string, options?: ErrorOptions): BnError {
  return new BnError("ERR_BN_DATA", `${place === undefined ? file : `${file}:${place}`}: ${what}`, options);
}
