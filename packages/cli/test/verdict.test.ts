import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BIN, bn, fixture } from "./bn.ts";

const SECONDS = 1000;
/** The cases of one kernel. */
const FEW = ["--quick", "--filter", "kernels/normalize/*float32"];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bn-verdict-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** `bn conformance` over a few cases. */
async function judge(name: string, ...more: readonly string[]) {
  const path = join(folder, `${name}.json`);
  const args = ["conformance", "--backend", fixture(`unruly/${name}.js`), ...FEW];
  const { code, stdout, stderr } = await bn([...args, "--json", path, "--force", ...more]);
  const text = await readFile(path, "utf8").catch(() => "null");
  const report = JSON.parse(text);
  const count = (status: string) => report?.results.filter((r: { status: string }) => r.status === status).length;
  const failed = report?.results.filter((r: { status: string }) => r.status === "failed") ?? [];
  return { code, stdout, stderr, report, failed, count };
}

test.concurrent.each([
  ["exit-at-import", "exited with code 0 while the backend was loaded and created"],
  ["throws-at-import", "no device here (at "],
  ["hangs-at-import", "did not finish within 2 s (--timeout) while the backend was loaded"],
  ["never-created", "waited for a promise that nothing could settle any more"],
  ["rejects", "adapter is undefined (at "],
])("%s: no verdict, exit 2, and the reason in words and in the report", async (name, why) => {
  const limit = name.startsWith("hangs") ? ["--timeout", "2"] : [];
  const { code, stdout, stderr, report } = await judge(name, ...limit);
  expect(stderr).toContain(why);
  expect(stdout).toBe("");
  expect(report.results).toEqual([]);
  expect(report.run.notStarted[0].reason).toContain(why);
  expect(code).toBe(2);
});

test.concurrent.each([
  ["exits-in-timer", "exited with code 0"],
  ["hangs-in-kernel", "did not finish within 5 s (--timeout)"],
  ["kills-itself", "was ended by SIGKILL"],
  ["aborts", "was ended by SIGABRT"],
  ["rejects-later", "an unhandled rejection of a promise: lost in a promise"],
])("%s: cases fail for it, the run goes on, exit 1", async (name, why) => {
  // Only a backend that hangs gets a short limit, because on a busy machine other cases could come near it.
  const limit = name.startsWith("hangs") ? ["--timeout", "5", "--bail", "1"] : ["--bail", "2"];
  const { code, failed, count, report } = await judge(name, ...limit);
  expect(code).toBe(1);
  expect(failed.length).toBeGreaterThan(0);
  for (const { reason } of failed) expect(reason).toContain(why);
  expect(count("passed") + failed.length + count("notRun")).toBe(report.results.length);
  expect(report.causes).toHaveLength(1);
  expect(report.causes[0].text).toContain(why);
});

test.concurrent("a case that never settles fails at once where nothing else runs", async () => {
  const { code, failed } = await judge("never-reads", "--bail", "1");
  expect(code).toBe(1);
  expect(failed[0].reason).toContain("waited for a promise that nothing could settle any more");
});

test.concurrent("what is left after too many starts is not run, and says why", async () => {
  const { code, stdout, failed, count } = await judge("exits-in-kernel");
  expect(code).toBe(1);
  expect(failed).toHaveLength(11);
  expect(count("notRun")).toBeGreaterThan(0);
  expect(stdout).toMatch(/third-party: \d+ not run: its process ended 11 times/);
});

test.concurrent("a kernel that throws: one cause, with its message, the smallest size, and the user's frame", async () => {
  const { code, stdout, report } = await judge("throws-in-kernel");
  expect(code).toBe(1);
  expect(report.causes).toHaveLength(1);
  expect(report.causes[0]).toMatchObject({
    text: "normalize: throws RangeError: no scratch for 5 elements",
    clause: "K-2",
  });
  expect(report.causes[0].call).toContain("normalize of [1][1][5] in float32");
  expect(stdout).toMatch(/at scratch \(.*throws-in-kernel\.js:9:9\)/);
  expect(report.results.find((r: { status: string }) => r.status === "failed").stack).toContain(
    "caused by Error: the pool is empty",
  );
});

test.concurrent("what a module prints never enters the JSON, steers no terminal, and is told", async () => {
  const args = ["conformance", "--backend", fixture("unruly/prints.js"), ...FEW, "--json", "-"];
  const { code, stdout, stderr } = await bn(args);
  expect(JSON.parse(stdout).summary.failed).toBe(0);
  expect(stderr).toMatch(/third-party printed \d+ lines:\n {2}\{"summary"/);
  expect(stderr).not.toContain("\x1b[2J");
  expect(code).toBe(0);
});

test.concurrent("memory that grows is a failure, not the end of the machine", async () => {
  const { code, failed } = await judge("leaks", "--max-memory", "700", "--bail", "1");
  expect(code).toBe(1);
  for (const { reason } of failed) expect(reason).toMatch(/used \d+ MiB of memory, the limit is 700/);
});

test.concurrent.each([
  ["exits-in-dispose", "process/dispose", "exited with code 0 during dispose()"],
  ["patches", "process/builtins", "the module replaced JSON.stringify, Math.abs, Array.prototype.push"],
])("%s: every case has passed, and the run fails for %s", async (name, id, why) => {
  const { code, failed, count } = await judge(name);
  expect(failed.map((one: { id: string }) => one.id)).toEqual([id]);
  expect(failed[0].reason).toContain(why);
  expect(count("passed")).toBeGreaterThan(10);
  expect(code).toBe(1);
});

test.concurrent.each(["exit-handler", "closes-channels", "leaves-children"])(
  "%s: a verdict, and an end",
  async (name) => {
    const { code, report, count } = await judge(name);
    expect(code).toBe(count("failed") > 0 ? 1 : 0);
    expect(count("passed") + count("failed")).toBe(report.results.length);
  },
);

test.concurrent("--bail ends the run, and what is left is not run", async () => {
  const { code, failed, count, report } = await judge("wrong-and-silent", "--bail", "2");
  expect(code).toBe(1);
  expect(failed).toHaveLength(2);
  expect(report.run.ended).toBe("--bail 2");
  expect(count("notRun")).toBe(report.results.length - 2 - count("passed"));
});

test.concurrent("a file that is there is not replaced, unless asked", async () => {
  const path = join(folder, "there.json");
  const args = ["conformance", "--backend", "cpu", "--filter", "kernels/copy-fill/2x3x5/float32", "--json", path];
  expect((await bn(args)).code).toBe(0);
  const again = await bn(args);
  expect(again.stderr).toContain("--force replaces it");
  expect(again.code).toBe(2);
  expect((await bn([...args, "--force"])).code).toBe(0);
});

test.skipIf(process.platform !== "linux")("a stream that takes nothing is a plain error", async () => {
  const command = `"${process.execPath}" "${BIN}" conformance --backend cpu --filter kernels/copy-fill/2x3x5/float32 > /dev/full`;
  const { status, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
  expect(stderr).toContain("bn: cannot write to standard output: ENOSPC");
  expect(stderr).not.toMatch(/\n {4}at /);
  expect(status).toBe(2);
});

/** Whether the process is alive, and not a zombie that waits for its parent. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== "linux" || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

test.concurrent.for(["busy", "idle"])(
  "when bn is killed, the process of a backend that hangs (%s) ends by itself",
  async (how, { expect }) => {
    const file = join(folder, `${how}.pid`);
    const env = { ...process.env, FIXTURE_PID: file, FIXTURE_HANG: how };
    const args = [BIN, "conformance", "--backend", fixture("unruly/tells-and-hangs.js"), ...FEW];
    const child = spawn(process.execPath, args, { env, stdio: "ignore" });
    const pid = () => readFile(file, "utf8").then(Number, () => 0);
    await expect.poll(pid, { timeout: 120 * SECONDS }).toBeGreaterThan(0);
    child.kill("SIGKILL");
    const hanging = await pid();
    await expect.poll(() => isAlive(hanging), { timeout: 60 * SECONDS }).toBe(false);
  },
);
