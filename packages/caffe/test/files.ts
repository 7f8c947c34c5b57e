import { readdirSync, readFileSync } from "node:fs";

const TEST = new URL("./", import.meta.url);

/** A file of test/, e.g. "nets/ip_bn_scale/trained.caffemodel". */
export function bytesOf(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(path, TEST)));
}

export function textOf(path: string): string {
  return readFileSync(new URL(path, TEST), "utf8");
}

/** Every file of nets/ and models/ whose name has this ending. */
export function filesOf(ending: string): string[] {
  return ["nets", "models"].flatMap((root) =>
    readdirSync(new URL(`${root}/`, TEST), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(ending))
      .map((path) => `${root}/${path}`)
      .sort(),
  );
}

/** A tensor that Caffe wrote next to a network. */
export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: "float32" | "float64";
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

export function valuesOf(net: string, { file, offset, length, dtype }: Tensor): Float32Array | Float64Array {
  const { buffer } = bytesOf(`nets/${net}/${file}`).slice(offset, offset + length);
  return dtype === "float32" ? new Float32Array(buffer) : new Float64Array(buffer);
}
