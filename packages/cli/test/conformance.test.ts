import { spawn } from "node:child_process";
import { cp, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BIN, bn, fixture } from "./bn.ts";

const GOLDENS = fileURLToPath(new URL("../../conformance/goldens/", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bn-conformance-"));
});
afterAll(() => rm(folder, { recursive: true }));

interface Tensor {
  readonly shape: readonly number[];
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/** A copy of the goldens, and the output tensor of a float32 forward with a spatial axis. */
async function copyGoldens(name: string): Promise<{ copy: string; id: string; top: Tensor }> {
  const copy = join(folder, name);
  await cp(GOLDENS, copy, { recursive: true });
  const { cases } = JSON.parse(await readFile(join(copy, "cases.json"), "utf8"));
  const one = cases.find((c: { name: string }) => c.name === "bn_shapes/8x16x7x7/f32");
  return { copy, id: one.name, top: one.steps[0].layer_outputs[0] };
}

async function flipBit(path: string, byte: number, bit: number): Promise<void> {
  const file = await open(path, "r+");
  const [at] = (await file.read(Buffer.alloc(1), 0, 1, byte)).buffer;
  await file.write(Uint8Array.of((at as number) ^ (1 << bit)), 0, 1, byte);
  await file.close();
}

test("the quick suite passes on cpu, and its table says so", async () => {
  const { code, stdout, stderr } = await bn(["conformance", "--quick", "--backend", "cpu"]);
  expect(stdout).toMatch(/^total .*\d/m);
  expect(stdout).toMatch(/\n\d+ passed, 0 failed, \d+ skipped\n$/);
  expect(stdout).toMatch(/^ +cpu$/m);
  expect(stderr).toMatch(/^cpu: \d+ to do\ncpu: \d+ passed, 0 failed, \d+ skipped in .* s\n$/);
  expect(code).toBe(0);
});

test("a backend that somebody else wrote, one file, passes; what it lacks is skipped by name", async () => {
  const { code, stdout, stderr } = await bn(["conformance", "--quick", "--backend", fixture("third-party.js")]);
  expect(stdout).toMatch(/^ +third-party$/m);
  expect(stdout).toMatch(/^third-party: \d+ skipped: supports.dtypes lacks float64$/m);
  expect(stdout).toMatch(/\n\d{3,} passed, 0 failed, \d+ skipped\n$/);
  expect(stderr).toContain("third-party: ");
  expect(code).toBe(0);
});

test("two backends stand side by side, and JSON has the documented shape", async () => {
  const list = `cpu,${fixture("third-party.js")}`;
  const { code, stdout, stderr } = await bn(["conformance", "--backend", list, "--filter", "bn_shapes", "--json", "-"]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^ +cpu +third-party$/m);
  const { summary, results } = JSON.parse(stdout);
  const count = (status: string) => results.filter((r: { status: string }) => r.status === status).length;
  expect(summary).toEqual({ passed: count("passed"), failed: 0, skipped: count("skipped"), notRun: 0 });
  expect(summary.passed).toBeGreaterThan(0);
  expect(new Set(results.map((r: { backend: string }) => r.backend))).toEqual(new Set(["cpu", "third-party"]));
  for (const result of results) {
    const number = expect.toSatisfy((x) => x === null || Number.isFinite(x));
    expect(result).toEqual({
      backend: expect.any(String),
      id: expect.stringContaining("bn_shapes"),
      group: expect.any(String),
      clause: expect.any(String),
      status: expect.stringMatching(/^(passed|failed|skipped)$/),
      error: number,
      bound: number,
      ratio: number,
      reason: expect.any(String),
      ms: expect.any(Number),
    });
  }
});

// Little-endian float32: the lowest bit of the exponent is the highest of the third byte.
test.each([
  ["the mantissa's lowest", 0, 0],
  ["the exponent's lowest", 2, 7],
])(
  "one flipped bit, %s, in an output tensor of a golden folder: exit 1, with case and index",
  async (which, byte, bit) => {
    const { copy, id, top } = await copyGoldens(which);
    const [, channels, height, width] = top.shape as [number, number, number, number];
    const [outer, channel, inner] = [2, 5, 11];
    const element = (outer * channels + channel) * height * width + inner;
    await flipBit(join(copy, top.file), top.offset + 4 * element + byte, bit);
    const { code, stdout } = await bn(["conformance", "--backend", "cpu", "--goldens", copy]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FAILED {2}cpu {2}G-\d does not hold/m);
    expect(stdout).toMatch(new RegExp(`, the smallest \\S*${id}`));
    expect(stdout).toContain(`index (outer, channel, inner) = (${outer}, ${channel}, ${inner})`);
    const reports = { json: join(copy, "r.json"), html: join(copy, "r.html") };
    await bn(["conformance", "--backend", "cpu", "--goldens", copy, "--json", reports.json, "--html", reports.html]);
    const failed = JSON.parse(await readFile(reports.json, "utf8")).results.filter(
      (r: { status: string }) => r.status === "failed",
    );
    expect(failed[0].worst.index).toEqual({ outer, channel, inner });
    expect(await readFile(reports.html, "utf8")).toContain(`(${outer}, ${channel}, ${inner})`);
    expect((await readdir(copy)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  },
);

test("a truncated golden folder, or one that is none: exit 2, naming the file", async () => {
  const { copy, top } = await copyGoldens("truncated");
  await truncate(join(copy, top.file), top.offset + top.length - 1);
  const cut = await bn(["conformance", "--backend", "cpu", "--goldens", copy]);
  expect(cut.stderr).toContain(top.file);
  expect(cut.code).toBe(2);
  await writeFile(join(copy, "cases.json"), `{"format":`);
  const broken = await bn(["conformance", "--backend", "cpu", "--goldens", copy]);
  expect(broken.stderr).toContain("cases.json");
  expect(broken.code).toBe(2);
});

test("a wrong backend fails with its numbers, and HTML escapes its name", async () => {
  const html = join(folder, "wrong.html");
  const args = ["conformance", "--backend", fixture("wrong.js"), "--filter", "*bn_shapes*f32", "--html", html];
  const { code, stdout } = await bn(args);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^FAILED {2}<wrong> & co {2}/m);
  for (const word of ["got ", "expected ", "error "]) expect(stdout).toContain(`\n  ${word}`);
  const page = await readFile(html, "utf8");
  expect(page).toContain("&lt;wrong&gt; &amp; co");
  expect(page).not.toContain("<wrong>");
});

test("cases that are all skipped are not a verdict: exit 2", async () => {
  const { code, stderr } = await bn([
    "conformance",
    "--backend",
    fixture("third-party.js"),
    "--filter",
    "*bn_shapes*f64",
  ]);
  expect(stderr).toContain("skipped");
  expect(code).toBe(2);
});

test("a reader that goes away is not an error", async () => {
  const child = spawn(process.execPath, [
    BIN,
    "conformance",
    "--backend",
    "cpu",
    "--filter",
    "bn_shapes",
    "--json",
    "-",
  ]);
  child.stdout.destroy();
  const chunks: Buffer[] = [];
  child.stderr.on("data", (chunk) => chunks.push(chunk));
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect(Buffer.concat(chunks).toString()).not.toMatch(/EPIPE|Error/);
  expect(code).toBe(0);
});

test("Ctrl-C ends the run with 130, and the report tells what was done and what was not", async () => {
  const json = join(folder, "kept.json");
  await writeFile(json, "whole");
  const child = spawn(process.execPath, [BIN, "conformance", "--backend", "cpu", "--json", json, "--force"]);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
    if (String(chunk).includes("to do")) setTimeout(() => child.kill("SIGINT"), 500);
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect(stderr).toContain("bn: interrupted\n");
  expect(code).toBe(130);
  const { run, summary } = JSON.parse(await readFile(json, "utf8"));
  expect(run.ended).toBe("interrupted");
  expect(summary.notRun).toBeGreaterThan(0);
  expect(stdout).toMatch(/cpu: \d+ not run: interrupted\n/);
});
