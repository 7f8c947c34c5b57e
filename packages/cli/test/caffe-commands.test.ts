import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dump } from "npyjs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bn } from "./bn.ts";

const NAMES = ["mean", "variance", "factor", "gamma", "beta"];

let folder: string;
const here = (...args: string[]) => bn(args, { cwd: folder });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bn-caffe-"));
  const blobs = [[2, 4, 6], [4, 8, 2], [2], [1, -1, 3], [0.5, 0, -0.25]];
  for (const [i, name] of NAMES.entries()) {
    await writeFile(join(folder, `${name}.npy`), new Uint8Array(dump(Float32Array.from(blobs[i] as number[]))));
  }
  const list = NAMES.map((name) => `${name}.npy`).join(",");
  const made = await here("export", "own.caffemodel", "--blobs", list, "--eps", "0.5", "--shape", "2,3,4");
  expect(made).toMatchObject({
    code: 0,
    stdout: "",
    stderr: expect.stringContaining("Input, BatchNorm, Scale, 3 channels"),
  });
});
afterAll(() => rm(folder, { recursive: true }));

test("a layer goes to Caffe, to ONNX and back, and is inspected in each", async () => {
  const { stdout, code } = await here("inspect", "own.caffemodel", "--net", "own.prototxt", "--json", "-");
  expect(code).toBe(0);
  const { layers, diagnostics } = JSON.parse(stdout);
  expect(diagnostics).toEqual([]);
  expect(layers).toMatchObject([
    {
      type: "BatchNormScale",
      layers: ["batch_norm", "batch_norm/scale"],
      shape: [3],
      dialect: "caffe",
      eps: 0.5,
      factor: 2,
      mean: { min: 1, max: 3 },
      variance: { min: 1, max: 4 },
      gamma: { min: -1, max: 3 },
      beta: { min: -0.25, max: 0.5 },
    },
  ]);
  // The layer is found by either of its two names, with and without the net.
  for (const [i, extra] of [
    ["--node", "batch_norm"],
    ["--node", "batch_norm/scale", "--net", "own.prototxt"],
  ].entries()) {
    expect(await here("export", `${i}.onnx`, "--from", "own.caffemodel", ...extra)).toMatchObject({ code: 0 });
  }
  const inspected = await here("inspect", "0.onnx");
  expect(inspected.stdout).toMatch(/1\.00\.\.3\.00 +1\.00\.\.4\.00 +-1\.00\.\.3\.00 +-0\.250\.\.0\.500\n/);
  expect(await readFile(join(folder, "1.onnx"))).toEqual(await readFile(join(folder, "0.onnx")));
  expect(await here("export", "back.caffemodel", "--from", "0.onnx", "--shape", "2,3,4")).toMatchObject({ code: 0 });
  expect((await here("inspect", "back.caffemodel")).stdout).toContain("1 normalization layer, nothing to remark");
});

test.each([
  ["a net alone", ["inspect", "own.prototxt"], /own\.prototxt: a \.prototxt is a network without weights/],
  ["weights that are text", ["inspect", "own.prototxt", "--net", "own.prototxt"], /without weights/],
  ["a net that is weights", ["inspect", "own.caffemodel", "--net", "own.caffemodel"], /own\.caffemodel: holds bytes 0/],
  ["no file", ["inspect", "nowhere.caffemodel"], /nowhere\.caffemodel: cannot be read/],
  ["a dialect", ["inspect", "own.caffemodel", "--dialect", "x"], /--dialect x: expected caffe, mean-first/],
  ["a phase", ["inspect", "own.caffemodel", "--phase", "x"], /--phase x: expected test, train/],
  [
    "no such layer",
    ["export", "y.onnx", "--from", "own.caffemodel", "--node", "x"],
    /--node x: not found in own.caffemodel; it has batch_norm/,
  ],
  ["an open size", ["export", "y.caffemodel", "--from", "own.caffemodel", "--shape", "N,3"], /Caffe needs all sizes/],
  ["another size", ["export", "y.caffemodel", "--from", "own.caffemodel", "--shape", "1,4"], /shape is \[1,4\]/],
])("bad input, exit code 2, and nothing written: %s", async (_, args, message) => {
  const before = await readdir(folder);
  const { code, stdout, stderr } = await here(...args);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(message);
  expect(await readdir(folder)).toEqual(before);
});
