import { join } from "node:path";
import { cases, type Result, runCases } from "@bn/conformance";
import type { Backend } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { launchBrowser, openPage } from "@bn/gpu-setup";
import { createWasm } from "@bn/wasm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWebGpu } from "../dist/index.js";

const BACKENDS: [name: string, factory: string, create: () => Promise<Backend>][] = [
  ["cpu", "createCpu", () => createCpu()],
  ["wasm", "createWasm", () => createWasm()],
  ["webgpu", "createWebGpu", () => createWebGpu()],
];

const packages = join(import.meta.dirname, "../..");
let browser: Awaited<ReturnType<typeof launchBrowser>>;
let open: Awaited<ReturnType<typeof openPage>>;

beforeAll(async () => {
  browser = await launchBrowser();
  const folders = ["conformance", ...BACKENDS.map(([name]) => name)].map((name) => join(packages, name));
  open = await openPage(browser, folders);
});

afterAll(async () => {
  await open?.close();
  await browser?.close();
});

/**
 * Runs the suite in the page on the built packages. It is text because vitest would rewrite the imports of a function.
 */
function runInPage(name: string, factory: string): Promise<Result[]> {
  return open.page.evaluate<Result[]>(`(async () => {
    const { cases, runCases } = await import("@bn/conformance");
    const { ${factory}: create } = await import("@bn/${name}");
    return runCases("${name}", () => create(), cases({ tier: "quick" }));
  })()`);
}

const verdicts = (results: readonly Result[]) => results.map(({ id, status, reason }) => `${status} ${id} ${reason}`);

describe("conformance in headless Chromium", () => {
  it.each(BACKENDS)(
    "%s: nothing fails, and each case ends as in Node",
    { timeout: 300_000 },
    async (name, factory, create) => {
      const [there, here] = await Promise.all([
        runInPage(name, factory),
        runCases(name, create, cases({ tier: "quick" })),
      ]);
      expect(there.filter(({ status }) => status === "failed")).toEqual([]);
      expect(there.filter(({ status }) => status === "passed").length).toBeGreaterThan(700);
      expect(verdicts(there)).toEqual(verdicts(here));
    },
  );
});
