import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCpu } from "@bn/cpu";
import { create } from "@bufbuild/protobuf";
import { StringStringEntryProtoSchema, type TensorProto } from "onnx-buf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openModel } from "../src/graph/file-system.ts";
import { importModel, type ReadExternal } from "../src/index.ts";
import { verifyModel } from "../src/verify/index.ts";
import { altered, NODE } from "./network.ts";

let folder: string;
let outside: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bn-external-"));
  outside = await mkdtemp(join(tmpdir(), "bn-outside-"));
  const values = new Uint8Array(Float32Array.from([9, 9, ...NODE.mean, ...NODE.variance]).buffer);
  await mkdir(join(folder, "data"));
  await writeFile(join(folder, "data", "weights.bin"), values);
  await writeFile(join(outside, "weights.bin"), values);
  await symlink(join(outside, "weights.bin"), join(folder, "link.bin"));
  await symlink(join(folder, "data"), join(folder, "inner"));
});
afterAll(() => Promise.all([rm(folder, { recursive: true }), rm(outside, { recursive: true })]));

const keep = (tensor: TensorProto | undefined, entries: Record<string, string>) =>
  Object.assign(tensor ?? {}, {
    rawData: new Uint8Array(),
    dataLocation: 1,
    externalData: Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  });
/** The model of NODE with its mean and variance in another file. */
const model = (location: string, mean: Record<string, string> = { offset: "8", length: "12" }) =>
  altered(({ graph }) => {
    keep(graph?.initializer[2], { location, ...mean });
    keep(graph?.initializer[3], { location, offset: "20" });
  });
async function open(bytes: Uint8Array) {
  const path = join(folder, "model.onnx");
  await writeFile(path, bytes);
  return openModel(path);
}

test.each(["data/weights.bin", "./data/weights.bin", "inner/weights.bin"])(
  "weights in %s are read",
  async (location) => {
    const { bytes, external } = await open(model(location));
    const { layers } = await importModel(bytes, { external });
    expect(layers[0]).toMatchObject({ statistics: { mean: NODE.mean, variance: NODE.variance } });
    await using cpu = await createCpu();
    const { rows } = await verifyModel(bytes, [cpu], { external });
    expect(rows).toMatchObject([{ backends: [{ status: "passed" }], onnxRuntime: { ratio: expect.any(Number) } }]);
  },
);

test.each<[string, string, Record<string, string>?]>([
  ["up", "../weights.bin"],
  ["up from within", "data/../../weights.bin"],
  ["up, as Windows has it", "data\\..\\..\\weights.bin"],
  ["the root", "/etc/passwd"],
  ["a drive", "C:\\weights.bin"],
  ["a server", "\\\\server\\weights.bin"],
  ["a byte 0", "data/weights.bin\0.txt"],
  ["a link that leads out", "link.bin"],
  ["missing", "nowhere.bin"],
  ["a folder", "data"],
  ["no name", ""],
  ["beyond the end", "data/weights.bin", { offset: "8", length: "1000" }],
  ["a gigantic length", "data/weights.bin", { length: "9000000000000" }],
  ["a negative offset", "data/weights.bin", { offset: "-8" }],
  ["too little", "data/weights.bin", { offset: "8", length: "8" }],
])("%s: refused with the tensor's name", async (_, location, mean) => {
  const { bytes, external } = await open(model(location, mean));
  const error = await importModel(bytes, { external }).catch((caught) => caught);
  const hide = (text: string) => text.replaceAll(folder, "FOLDER").replaceAll("\0", "(0)");
  expect(hide(`${error.code}: ${error.message}`)).toMatchSnapshot();
  await using cpu = await createCpu();
  if (_ !== "too little") await expect(verifyModel(bytes, [cpu], { external })).rejects.toThrow(error.message);
});

test("without a reader, the error says where one is", async () => {
  await expect(importModel(model("data/weights.bin"))).rejects.toThrow(
    /tensor "mean" .* openModel\(path\) of @bn\/onnx\/node/,
  );
});

test("a reader that gives what was not asked for is caught", async () => {
  const external: ReadExternal = async () => new Uint8Array(4);
  await expect(importModel(model("data/weights.bin"), { external })).rejects.toThrow("gave 4 bytes, expected 12");
});
