import { parseNpy, type Tensor } from "@bn/onnx/verify";
import { readBytes } from "./errors.ts";

/** Reads a file of numpy.save, in C order. Errors: `ERR_BN_DATA` if it is unreadable; those of `parseNpy`. */
export async function readNpy(path: string): Promise<Tensor> {
  return parseNpy(await readBytes(path, "; give a file that numpy.save wrote"), path);
}
