import { readFile, stat } from "node:fs/promises";
import { MAX_WEIGHTS, readWeights } from "./binary/weights.ts";
import { bad, type CaffeFile } from "./file.ts";
import { MAX_TEXT, readNet } from "./text/net.ts";

/**
 * Reads a `.prototxt`.
 *
 * Errors: `ERR_BN_DATA` if the file cannot be read or is not UTF-8 text; those of `readNet`.
 *
 * @example
 * ```ts
 * import { writeFileSync } from "node:fs";
 * import { openNet } from "@bn/caffe/node";
 * writeFileSync("net.prototxt", 'layer { name: "relu" type: "ReLU" }');
 * console.log((await openNet("net.prototxt")).message.layer[0]!.type); // ReLU
 * ```
 */
export async function openNet(path: string): Promise<CaffeFile> {
  const bytes = await read(path, MAX_TEXT * 4, "a .prototxt");
  if (bytes.includes(0)) {
    throw bad(path, undefined, "holds bytes 0, expected a .prototxt, which is text; pass a .caffemodel as the weights");
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw bad(path, undefined, "is not UTF-8 text; convert it, and check that it is a .prototxt", { cause });
  }
  return readNet(text, { file: path });
}

/**
 * Reads a `.caffemodel`.
 *
 * Errors: `ERR_BN_DATA` if the file cannot be read; those of `readWeights`.
 */
export async function openWeights(path: string): Promise<CaffeFile> {
  return readWeights(await read(path, MAX_WEIGHTS, "a .caffemodel"), { file: path });
}

async function read(path: string, most: number, kind: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > most) throw new Error(`${size} bytes, expected at most ${most}`);
    return await readFile(path);
  } catch (cause) {
    throw bad(path, undefined, `cannot be read (${(cause as Error).message}); give the path of ${kind}`, { cause });
  }
}
