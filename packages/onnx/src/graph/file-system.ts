import { open, readFile, realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { dataError } from "./errors.ts";
import type { ReadExternal } from "./external.ts";
import { MAX_BYTES, messageOf } from "./proto.ts";

/** A model's bytes, and a reader for the files beside it that may hold its data. */
export interface OpenedModel {
  readonly bytes: Uint8Array;
  readonly external: ReadExternal;
}

/**
 * Reads a model's file. `external` reads regular files in its folder and below; a link that leads elsewhere is refused.
 *
 * Errors: `ERR_BN_DATA` if the file cannot be read or is larger than 512 MiB.
 *
 * @example
 * ```ts
 * import { writeFileSync } from "node:fs";
 * import { batchNormOf, buildModel, importModel } from "@bn/onnx";
 * import { openModel } from "@bn/onnx/node";
 * const one = new Float32Array([1]);
 * writeFileSync("model.onnx", buildModel(batchNormOf([one, one, [1], one, one])));
 * const { bytes, external } = await openModel("model.onnx");
 * const { layers } = await importModel(bytes, { external });
 * console.log(layers[0]!.name, layers[0]!.parameterShape); // batch_norm [ 1 ]
 * ```
 */
export async function openModel(path: string): Promise<OpenedModel> {
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES) throw new Error(`${size} bytes, expected at most ${MAX_BYTES}`);
    const bytes = await readFile(path);
    const folder = await realpath(dirname(resolve(path)));
    return { bytes, external: (location, offset, length) => readPart(folder, location, offset, length) };
  } catch (cause) {
    throw dataError(`cannot read ${path}: ${messageOf(cause)}; give the path of an ONNX model`, cause);
  }
}

async function readPart(folder: string, location: string, offset: number, length: number | null) {
  const path = await realpath(resolve(folder, location));
  const inside = relative(folder, path);
  if (inside.startsWith("..") || isAbsolute(inside)) throw new Error("it is a link that leaves the model's folder");
  const file = await open(path);
  try {
    const info = await file.stat();
    if (!info.isFile()) throw new Error("it is not a file");
    const end = offset + (length ?? Math.max(0, info.size - offset));
    if (end > info.size) throw new Error(`it has ${info.size} bytes, expected at least ${end}`);
    if (end - offset > MAX_BYTES) throw new Error(`${end - offset} bytes, expected at most ${MAX_BYTES}`);
    const bytes = new Uint8Array(end - offset);
    for (let done = 0; done < bytes.length; ) {
      const { bytesRead } = await file.read(bytes, done, bytes.length - done, offset + done);
      if (bytesRead === 0) throw new Error("it became shorter while it was read");
      done += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}
