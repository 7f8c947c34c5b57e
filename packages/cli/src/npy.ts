import { readFile } from "node:fs/promises";
import { BnError } from "@bn/core";
import { parseNpy, type Tensor } from "@bn/onnx/verify";

/** Reads a file of numpy.save, in C order. Errors: `ERR_BN_DATA` if it is unreadable; those of `parseNpy`. */
export async function readNpy(path: string): Promise<Tensor> {
  const bytes = await readFile(path).catch((cause: Error) => {
    const what = `cannot be read: ${cause.message}; give a file that numpy.save wrote`;
    throw new BnError("ERR_BN_DATA", `${path}: ${what}`, { cause });
  });
  return parseNpy(bytes, path);
}
