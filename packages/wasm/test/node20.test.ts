import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { NODE_20 } from "@bn/node20";
import { expect, test } from "vitest";

const SUITE = `
const { cases, runCases } = await import("@bn/conformance");
const { loadGoldenCases } = await import("@bn/conformance/node");
const { createWasm } = await import(process.argv[1]);
const all = [...cases({ tier: "quick" }), ...await loadGoldenCases()];
const runs = [];
for (const threads of [1, 2, 4]) {
  const wasm = await createWasm({ threads });
  const got = wasm.supports.threads;
  await wasm.dispose();
  const results = await runCases("wasm", () => createWasm({ threads }), all);
  const of = (status) => results.filter((one) => one.status === status);
  runs.push({ threads: got, total: all.length, passed: of("passed").length, others: [...of("failed"), ...of("skipped")] });
}
console.log(JSON.stringify({ version: process.version, runs }));`;

interface Run {
  readonly threads: number;
  readonly total: number;
  readonly passed: number;
  readonly others: readonly unknown[];
}

test("the whole suite on the built package in Node 20, on 1, 2 and 4 threads", { timeout: 300_000 }, async () => {
  const built = new URL("../dist/index.js", import.meta.url).href;
  const { stdout } = await promisify(execFile)(NODE_20, ["--input-type=module", "-e", SUITE, built], {
    cwd: import.meta.dirname,
    maxBuffer: 2 ** 26,
  });
  const { version, runs } = JSON.parse(stdout) as { version: string; runs: readonly Run[] };
  expect(version).toMatch(/^v20\./);
  expect(runs.map(({ threads }) => threads)).toEqual([1, 2, 4]);
  for (const { total, passed, others } of runs) {
    expect(others).toEqual([]);
    expect(passed).toBe(total);
    expect(total).toBeGreaterThan(2000);
  }
});
