import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeBlob } from "../src/index.ts";

/** The number of values of one InnerProduct: 4 MB. */
const VALUES = 1_000_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bn-caffe-large-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const layerOf = (name: string, type: string, blobs: readonly Uint8Array[]) => {
  const layer = new BinaryWriter().tag(1, 2).string(name).tag(2, 2).string(type);
  for (const blob of blobs) layer.tag(7, 2).bytes(blob);
  return new BinaryWriter().tag(100, 2).bytes(layer.finish()).finish();
};

/** A blob in which each value has a tag of its own. */
function unpacked(data: Float32Array): Uint8Array {
  const bytes = new Uint8Array(5 * data.length + 8);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of data.entries()) {
    bytes[5 * i] = 0x2d;
    view.setFloat32(5 * i + 1, value, true);
  }
  const shape = new BinaryWriter().tag(7, 2).bytes(new BinaryWriter().tag(1, 0).int64(data.length).finish()).finish();
  bytes.set(shape, 5 * data.length);
  return bytes.subarray(0, 5 * data.length + shape.length);
}

test.each<[string, number, (data: Float32Array) => Uint8Array]>([
  ["packed", 100e6, (data) => encodeBlob({ shape: [data.length], data })],
  ["unpacked", 25e6, unpacked],
])(
  "a .caffemodel, %s, of %d bytes opens within three times its size, with every blob read",
  { timeout: 300_000 },
  (form, least, encode) => {
    const path = join(folder, `${form}.caffemodel`);
    const file = openSync(path, "w");
    const data = Float32Array.from({ length: VALUES }, (_, i) => i / 7);
    const weights = encode(data);
    const norm = [[1, 2], [3, 4], [1]].map((values) =>
      encodeBlob({ shape: [values.length], data: Float32Array.from(values) }),
    );
    let [size, layers] = [0, 0];
    for (; size < least; layers++) {
      size += writeSync(file, layerOf(`ip${layers}`, "InnerProduct", [weights]));
      size += writeSync(file, layerOf(`bn${layers}`, "BatchNorm", norm));
    }
    closeSync(file);
    expect(statSync(path).size).toBe(size);
    const program = fileURLToPath(new URL("open-large.ts", import.meta.url));
    const taken = JSON.parse(execFileSync(process.execPath, [program, path], { encoding: "utf8" }));
    expect(taken).toMatchObject({ layers, values: layers * (VALUES + 5) });
    expect(taken.bytes).toBeLessThan(3 * size);
    // The numbers themselves need this much memory.
    expect(taken.bytes).toBeGreaterThan(4 * layers * VALUES);
  },
);
