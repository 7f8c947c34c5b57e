import type { BnError } from "@bn/core";
import type { TensorProto } from "onnx-buf";
import { modelError } from "./errors.ts";
import { MAX_BYTES, messageOf } from "./proto.ts";

/**
 * Reads bytes [offset, offset + length) of a file beside the model, to the end of the file if length is null.
 * `location` is relative and was checked not to leave the folder; the reader must check links. `@bn/onnx/node` has such
 * a reader.
 */
export type ReadExternal = (location: string, offset: number, length: number | null) => Promise<Uint8Array>;

/**
 * Moves the data that tensors keep in other files into the tensors.
 *
 * Errors: `ERR_BN_DATA`, naming the tensor, if there is no reader, if the path leaves the model's folder, if the file
 * is missing or too short, or for more than 512 MiB in all.
 */
export async function inlineExternal(tensors: readonly TensorProto[], read: ReadExternal | undefined): Promise<void> {
  const outside = tensors.filter(({ dataLocation, externalData }) => dataLocation === 1 || externalData.length > 0);
  let total = 0;
  for (const tensor of outside) {
    const fail = (what: string, cause?: unknown) =>
      modelError(`tensor "${tensor.name}" keeps its data in another file${what}`, cause);
    const { location, offset, length } = placeOf(tensor, fail);
    if (!read) {
      throw fail(
        `, "${location}", and only this one was given; pass external, e.g. from openModel(path) of @bn/onnx/node, or save the model as one file`,
      );
    }
    if (length !== null && total + length > MAX_BYTES)
      throw fail(`, and with ${length} bytes of it the model is larger than ${MAX_BYTES}`);
    const bytes = await read(location, offset, length).catch((cause) => {
      throw fail(`, "${location}", which cannot be read: ${messageOf(cause)}; put it next to the model`, cause);
    });
    total += bytes.length;
    if (total > MAX_BYTES) throw fail(`, and with ${bytes.length} bytes of it the model is larger than ${MAX_BYTES}`);
    if (length !== null && bytes.length !== length)
      throw fail(`, "${location}", which gave ${bytes.length} bytes, expected ${length}; fetch it again`);
    tensor.rawData = Uint8Array.from(bytes);
    tensor.dataLocation = 0;
    tensor.externalData = [];
  }
}

type Failure = (what: string, cause?: unknown) => BnError;

function placeOf({ externalData }: TensorProto, fail: Failure) {
  const entries = new Map(externalData.map(({ key, value }) => [key, value]));
  const location = entries.get("location") ?? "";
  if (location === "") throw fail(" but names no file; export the model again");
  if (!staysInFolder(location))
    throw fail(`, "${location}", outside the model's folder; put it next to the model and save the model again`);
  const number = (key: string): number | null => {
    const text = entries.get(key);
    if (text === undefined) return null;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value)) return value;
    throw fail(`, "${location}", at ${key} "${text}", expected a whole number; export the model again`);
  };
  return { location, offset: number("offset") ?? 0, length: number("length") };
}

/** A relative path without "..", by the rules of both POSIX and Windows, on every machine. */
function staysInFolder(location: string): boolean {
  if (location.includes("\0") || /^([\\/]|[A-Za-z]:)/.test(location)) return false;
  return !location.split(/[\\/]/).includes("..");
}
