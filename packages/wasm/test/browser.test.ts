import { cases, runCases } from "@bn/conformance";
import { loadGoldenCases } from "@bn/conformance/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWasm } from "../src/index.ts";
import { type Chromium, type Opened, startChromium } from "./browser/open.ts";
import type { SuiteRun } from "./browser/suite.ts";

const MINUTES = 60_000;
const NOT_SHARED =
  "off: no shared memory; serve the page cross-origin isolated (COOP: same-origin, COEP: require-corp)";

let chromium: Chromium;
/** The outcome of each case in Node. It must be the same in a browser. */
let here: string[];

beforeAll(async () => {
  chromium = await startChromium();
  const all = [...cases({ tier: "quick" }), ...(await loadGoldenCases())];
  const results = await runCases("wasm", () => createWasm({ threads: 1 }), all);
  here = results.map(({ status, id, reason }) => `${status} ${id} ${reason}`);
}, 3 * MINUTES);

afterAll(() => chromium?.close());

function expectWhole({ verdicts, runtime }: SuiteRun): void {
  expect(runtime).toMatch(/HeadlessChrome/);
  expect(verdicts.filter((verdict) => verdict.startsWith("failed"))).toEqual([]);
  expect(verdicts.filter((verdict) => verdict.startsWith("passed")).length).toBeGreaterThan(2000);
  expect(verdicts).toEqual(here);
}

const PLACES = [
  ["page", "suiteInPage", [1, 2, 4]],
  ["dedicated worker", "suiteInWorker", [4]],
] as const;

for (const [place, suite, counts] of PLACES) {
  describe(`the whole suite in a ${place}`, () => {
    let isolated: Opened;
    let shut: Opened;
    beforeAll(async () => {
      isolated = await chromium.open();
      shut = await chromium.open({});
    }, MINUTES);
    afterAll(() => Promise.all([isolated?.close(), shut?.close()]));

    for (const threads of counts) {
      test(`cross-origin isolated, ${threads} threads`, { timeout: 5 * MINUTES }, async () => {
        const run = await chromium[suite](isolated, threads);
        expect(run.isolated).toBe(true);
        expect(run.supports.threads).toBe(threads);
        expect(run.supports.details.threads).toBe(threads === 1 ? "off: threads is 1" : `on: ${threads}`);
        expectWhole(run);
      });
    }

    test("not isolated: one thread, and why", { timeout: 5 * MINUTES }, async () => {
      const run = await chromium[suite](shut, 4);
      expect(run.isolated).toBe(false);
      expect(run.supports.threads).toBe(1);
      expect(run.supports.details.threads).toBe(NOT_SHARED);
      expectWhole(run);
    });
  });
}
