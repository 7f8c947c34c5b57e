import { bytesOf } from "./files.ts";

/** Reads a float32 array of numpy.save, in C order. */
export function readNpy(path: string): { shape: number[]; data: Float32Array } {
  const bytes = bytesOf(path);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint16(8, true);
  const header = new TextDecoder("latin1").decode(bytes.subarray(10, 10 + length));
  const shape = (/'shape': \(([\d, ]*)\)/.exec(header)?.[1] ?? "")
    .split(",")
    .map(Number)
    .filter((size) => size > 0);
  if (!header.includes("'<f4'") || !header.includes("'fortran_order': False")) throw new Error(`${path}: ${header}`);
  return { shape, data: new Float32Array(bytes.slice(10 + length).buffer) };
}
