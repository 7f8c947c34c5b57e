import { BnError } from "@bn/core";
import type { ReadExternal } from "@bn/onnx";

/** The files of one model, sorted by their role. */
export interface ModelFiles {
  /** `.onnx`, or `.caffemodel`. */
  readonly model: File;
  /** `.prototxt` of a Caffe network. */
  readonly net: File | null;
  /** Files in which an ONNX model keeps data. */
  readonly beside: readonly File[];
}

const endsWith =
  (...ends: readonly string[]) =>
  (file: File) =>
    ends.some((end) => file.name.toLowerCase().endsWith(end));

/** Sorts dropped files. Errors: `ERR_BN_DATA`; the message says which files to drop. */
export function sortFiles(files: readonly File[]): ModelFiles {
  const weights = files.filter(endsWith(".caffemodel"));
  const nets = files.filter(endsWith(".prototxt"));
  const models = files.filter(endsWith(".onnx"));
  const names = files.map(({ name }) => name).join(", ");
  if (weights.length + models.length > 1) {
    throw new BnError("ERR_BN_DATA", `${names}: ${weights.length + models.length} models; drop one at a time`);
  }
  const [model] = [...models, ...weights];
  if (model)
    return { model, net: nets[0] ?? null, beside: files.filter((file) => file !== model && !nets.includes(file)) };
  if (nets.length > 0) {
    throw new BnError("ERR_BN_DATA", `${names}: a network without weights; drop the .caffemodel together with it`);
  }
  throw new BnError("ERR_BN_DATA", `${names}: no model; drop an .onnx, or a .caffemodel with its .prototxt`);
}

export const isCaffe = ({ model }: ModelFiles): boolean => model.name.toLowerCase().endsWith(".caffemodel");

export async function bytesOf(file: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await file.arrayBuffer());
}

/** Reads the data of a model from the files that were dropped with it. */
export function externalOf({ beside }: ModelFiles): ReadExternal {
  return async (location, offset, length) => {
    const name = location.split(/[\\/]/).at(-1) ?? location;
    const file = beside.find((one) => one.name === name);
    if (!file) throw new Error(`the file was not dropped; drop ${name} together with the model`);
    return bytesOf(file.slice(offset, length === null ? undefined : offset + length));
  };
}
