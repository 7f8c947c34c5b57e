import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readNet, writeWeights } from "@bn/caffe";
import { importModel } from "@bn/onnx";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { bn, fixture } from "./bn.ts";

/** BatchNorm in place on the input, its Scale, and a pooling that rounds up. */
const NET = `
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 6 dim: 6 } } }
layer { name: "bn" type: "BatchNorm" bottom: "data" top: "data" batch_norm_param { eps: 0.5 } }
layer { name: "scale" type: "Scale" bottom: "data" top: "data" scale_param { bias_term: true } }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool" pooling_param { kernel_size: 3 stride: 2 } }`;

const blob = (...values: number[]) =>
  `blobs { shape { dim: ${values.length} } ${values.map((value) => `data: ${value}`).join(" ")} }`;
const WEIGHTS = `
layer { name: "bn" type: "BatchNorm" ${blob(3, -6)} ${blob(6, 12)} ${blob(3)} }
layer { name: "scale" type: "Scale" ${blob(2, 0.5)} ${blob(1, -1)} }`;

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bn-convert-"));
  await writeFile(at("net.prototxt"), NET);
  await writeFile(at("w.caffemodel"), writeWeights(readNet(WEIGHTS)));
});
beforeEach(() => rm(at("out.onnx"), { force: true }));
afterAll(() => rm(folder, { recursive: true }));

const convert = (...more: string[]) => {
  const proof = more.includes("--no-verify") ? [] : ["--backend", "cpu"];
  return bn(["convert", at("w.caffemodel"), at("out.onnx"), "--net", at("net.prototxt"), ...proof, ...more]);
};

test("a network and its proof", async () => {
  const { code, stdout, stderr } = await convert("--opset", "17", "--shape", "data=3,2,8,7");
  expect(stderr).toMatch(/out\.onnx: written\n$/);
  expect(stdout).toContain("output pool  3x2x4x3\n\noperator set 17, 1 BatchNormalization node\n");
  expect(stdout).toContain('input "data" is changed in place');
  expect(stdout).toMatch(/\n1 node: 1 passed, 0 failed, 0 skipped\n$/);
  expect(code).toBe(0);
  const { layers } = await importModel(new Uint8Array(await readFile(at("out.onnx"))));
  expect(layers.map(({ name, gamma }) => [name, [...(gamma ?? [])]])).toEqual([["bn", [2, 0.5]]]);
  expect([...(layers[0]?.statistics?.mean ?? [])]).toEqual([1, -2]);
});

test("as JSON, on an input that is given by the blob's name", async () => {
  const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 6, 6), }".padEnd(117);
  const npy = Buffer.concat([
    Buffer.from("\x93NUMPY\x01\x00\x76\x00", "latin1"),
    Buffer.from(`${header}\n`),
    Buffer.alloc(72 * 4),
  ]);
  await writeFile(at("x.npy"), npy);
  const { code, stdout, stderr } = await convert("--json", "-", "--input", `data=${at("x.npy")}`);
  expect([stderr.includes("bn:"), code]).toEqual([false, 0]);
  const { passed, inputs, outputs, verify } = JSON.parse(stdout);
  expect(passed).toBe(true);
  expect(inputs).toEqual([{ blob: "data", tensor: "data/data", shape: [1, 2, 6, 6] }]);
  expect(outputs).toEqual([{ blob: "pool", tensor: "pool", shape: [1, 2, 3, 3] }]);
  expect(verify.summary).toEqual({ passed: 1, failed: 0, skipped: 0 });
});

test("a proof that fails: exit code 1, and no file", async () => {
  const { code, stdout, stderr } = await convert("--backend", fixture("no-eps.js"));
  expect(stdout).toContain("FAILED  no-eps  bn: differs from float64");
  expect(stderr).toMatch(/out\.onnx: not written, because the proof failed\n$/);
  expect([code, existsSync(at("out.onnx"))]).toEqual([1, false]);
});

test("a file that is there is kept without --force", async () => {
  await writeFile(at("out.onnx"), "mine");
  const refused = await convert("--no-verify");
  expect([refused.code, await readFile(at("out.onnx"), "utf8")]).toEqual([2, "mine"]);
  expect(refused.stderr).toContain("the file exists already; --force replaces it");
  const forced = await convert("--no-verify", "--force");
  expect(forced.stdout).toContain("not verified: --no-verify");
  expect([forced.code, (await readFile(at("out.onnx"))).length > 100]).toEqual([0, true]);
  const source = await bn(["convert", at("w.caffemodel"), at("w.caffemodel"), "--net", at("net.prototxt"), "--force"]);
  expect([source.code, source.stderr]).toEqual([2, expect.stringContaining("one of the files to read")]);
});

test("what cannot be converted: exit code 2, one line that says why, and no file", async () => {
  await writeFile(at("unknown.prototxt"), NET.replace('"Pooling"', '"Upsample"'));
  const other = ["convert", at("w.caffemodel"), at("out.onnx"), "--net", at("unknown.prototxt")];
  const refused: [readonly string[], RegExp][] = [
    [other, /unknown\.prototxt:5:\d+: layer "pool" \(Upsample\): this type is not converted/],
    [["convert", at("w.caffemodel"), at("out.onnx")], /--net: not given, expected the \.prototxt/],
    [["convert", at("missing"), at("out.onnx"), "--net", at("net.prototxt")], /missing: cannot be read/],
    [[...other, "--shape", "data=1,x"], /--shape data=1,x: expected name=sizes/],
    [[...other, "--opset", "8"], /opset is 8, expected a whole number from 9 to 22/],
    [[...other, "--dialect", "torch"], /--dialect torch: expected caffe, /],
  ];
  for (const [args, message] of refused) {
    const { code, stderr } = await bn(args);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect([code, existsSync(at("out.onnx"))]).toEqual([2, false]);
  }
});

test("bn verify --net runs Caffe's blobs without writing a model", async () => {
  const args = ["verify", at("w.caffemodel"), "--backend", "cpu"];
  const { code, stdout, stderr } = await bn([...args, "--net", at("net.prototxt")]);
  expect(stdout).toMatch(/\n1 node: 1 passed, 0 failed, 0 skipped\n$/);
  expect([code, stderr.includes('input "data" is changed in place')]).toEqual([0, true]);
  const alone = await bn(args);
  expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining("--net DEPLOY.prototxt")]);
});
