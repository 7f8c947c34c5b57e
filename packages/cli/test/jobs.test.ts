import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bn, fixture } from "./bn.ts";

const SECONDS = 1000;
const NORMALIZE = "kernels/normalize/*float32";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bn-jobs-"));
});
afterAll(() => rm(folder, { recursive: true }));

interface Row {
  readonly id: string;
  readonly status: string;
  readonly reason: string;
  readonly ms?: number;
}

/** Runs `bn conformance` for some cases, in `jobs` processes. */
async function judge(backend: string, jobs: string, filter = NORMALIZE) {
  const path = join(folder, "report.json");
  const args = ["conformance", "--quick", "--backend", backend, "--filter", filter, "--jobs", jobs];
  const env = { BN_TEST_DEVICE: join(folder, "device") };
  const { code, stdout, stderr } = await bn([...args, "--json", path, "--force"], { env });
  const report = JSON.parse(await readFile(path, "utf8"));
  const results: readonly Row[] = report.results;
  return { code, stdout, stderr, report, results };
}

const untimed = (results: readonly Row[]) => results.map(({ ms, ...rest }) => rest);

test.each(["cpu", fixture("wrong.js")])(
  "%s: the report of three processes is that of one",
  {
    timeout: 120 * SECONDS,
  },
  async (backend) => {
    const [one, three] = [await judge(backend, "1"), await judge(backend, "3")];
    expect(one.results.length).toBeGreaterThan(10);
    expect(untimed(three.results)).toEqual(untimed(one.results));
    expect(three.report.summary).toEqual(one.report.summary);
    expect(three.code).toBe(one.code);
    expect(three.stderr.match(/: \d+ to do/g)).toHaveLength(1);
  },
);

test("a backend that has one process at a time is judged by one after the other", {
  timeout: 120 * SECONDS,
}, async () => {
  const { code, results, report } = await judge(fixture("unruly/one-at-a-time.js"), "2");
  expect(results.map(({ status }) => status)).toEqual(results.map(() => "passed"));
  expect(results.length).toBeGreaterThan(10);
  expect(report.run.notStarted).toEqual([]);
  expect(code).toBe(0);
});

test("what every process is blamed for is told once", { timeout: 120 * SECONDS }, async () => {
  const { code, results } = await judge(fixture("unruly/patches.js"), "2");
  expect(results.filter(({ status }) => status === "failed").map(({ id }) => id)).toEqual(["process/builtins"]);
  expect(results.at(-1)?.id).toBe("process/builtins");
  expect(code).toBe(1);
});

test("a process that ends fails its case; the next goes on behind it, and no case is lost", {
  timeout: 120 * SECONDS,
}, async () => {
  const { code, results } = await judge(fixture("unruly/kills-itself.js"), "2", "kernels/normalize/?x*/float32");
  expect(results.map(({ id }) => id.split("/")[2])).toEqual(["2x3x5", "5x2x3", "8x3x49", "5x257x1"]);
  const failed = results.filter(({ status }) => status === "failed");
  expect(failed.length).toBeGreaterThan(0);
  for (const { reason } of failed) expect(reason).toContain("was ended by SIGKILL");
  expect(code).toBe(1);
});

test("a backend that never starts is no verdict, however many processes try", { timeout: 60 * SECONDS }, async () => {
  const { code, results, report, stderr } = await judge(fixture("unruly/throws-at-import.js"), "2");
  expect(results).toEqual([]);
  expect(report.run.notStarted).toHaveLength(1);
  expect(stderr).toContain("no device here (at ");
  expect(code).toBe(2);
});

test("--jobs takes whole numbers from 1 on", { timeout: 60 * SECONDS }, async () => {
  for (const jobs of ["0", "2.5"]) {
    const { code, stderr } = await bn(["conformance", "--jobs", jobs]);
    expect(stderr).toContain(`--jobs ${jobs}: expected a whole number >= 1`);
    expect(code).toBe(2);
  }
});
