import { ISOLATED, launchBrowser } from "@bn/gpu-setup";
import { afterAll, beforeAll, describe, it } from "vitest";
import { buildOnce, type Site, serveBuilt } from "../build/site.ts";
import { type Page, textOf, withApp } from "./app.ts";
import { hereOnCpu } from "./runs.ts";

let browser: Awaited<ReturnType<typeof launchBrowser>>;
let isolated: Site;

beforeAll(async () => {
  await buildOnce();
  [browser, isolated] = await Promise.all([launchBrowser(), serveBuilt(ISOLATED)]);
});
afterAll(async () => {
  await browser.close();
  await isolated.close();
});

/**
 * Opens a panel where a worker blocks when it starts threads, after those of some backends. Returns the number of workers
 * that the page started.
 */
async function workersOf(hash: string, use: (page: Page) => Promise<void>, backends = 0): Promise<number> {
  let workers = 0;
  await withApp(
    browser,
    isolated.url,
    "#/",
    async (page) => {
      page.on("worker", (worker) => {
        if (!worker.url().startsWith("blob:")) workers++; // threads of wasm come from blobs
      });
      await page.goto(isolated.url + hash);
      await use(page);
    },
    {
      inWorkers: `{
        const Started = self.Worker;
        let left = ${backends} * (Math.min(navigator.hardwareConcurrency, 4) - 1);
        self.Worker = function (...options) {
          while (left === 0);
          left--;
          return new Started(...options);
        };
      }`,
    },
  );
  return workers;
}

// They wait for the same 20 s, at the same time.
describe.concurrent("threads that never start, as in Firefox at times: another worker does the job without them", () => {
  it("conformance", async ({ expect }) => {
    const passed = (await hereOnCpu("exact/")).filter(({ status }) => status === "passed").length;
    const workers = await workersOf("#/conformance?filter=exact/", async (page) => {
      for (const name of ["cpu", "webgpu"]) await page.getByLabel(name, { exact: true }).uncheck();
      await page.getByRole("button", { name: /^Run/ }).click();
      await textOf(page, '[data-backend="wasm"] .next', /loading the backend/);
      await textOf(page, ".verdict", new RegExp(`^${passed} passed, 0 failed`), 80_000);
      await textOf(page, '[data-backend="wasm"] dl', /threadsoff: threads is 1/);
    });
    expect(workers).toBe(2);
  });

  it("conformance, in the middle of it: what has run is not run again", async ({ expect }) => {
    const { length: all } = await hereOnCpu("memory/");
    const workers = await workersOf(
      "#/conformance?filter=memory/",
      async (page) => {
        for (const name of ["cpu", "webgpu"]) await page.getByLabel(name, { exact: true }).uncheck();
        await page.getByRole("button", { name: /^Run/ }).click();
        const count = '[data-backend="wasm"] .count';
        await textOf(page, count, new RegExp(`^(?!0 |${all} )\\d+ of ${all} cases`));
        await textOf(page, ".verdict", new RegExp(`^${all} passed, 0 failed`), 80_000);
        await textOf(page, count, new RegExp(`^${all} of ${all} cases`));
      },
      2,
    );
    expect(workers).toBe(2);
  });

  it("precision", async ({ expect }) => {
    const workers = await workersOf("#/precision", async (page) => {
      await textOf(page, "[data-rows]", /Measured at 29 ratios/, 80_000);
      expect(await page.locator('[data-method="@bn/wasm"]').count()).toBe(1);
    });
    expect(workers).toBe(2);
  });

  it("a model", async ({ expect }) => {
    const workers = await workersOf("#/model", async (page) => {
      await page.getByRole("button", { name: /PaddleOCR/ }).click();
      await page.getByRole("button", { name: "Verify this model" }).click();
      await textOf(page, ".verified .verdict", /^70 passed, 0 failed, 0 skipped/, 80_000);
    });
    expect(workers).toBe(3); // the first one reads the model
  });

  it("speed", async ({ expect }) => {
    const workers = await workersOf("#/speed", async (page) => {
      await page.getByLabel(/^shape/).fill("2x8x4x4");
      await page.getByRole("button", { name: "Measure this shape" }).click();
      await textOf(page, "[data-doing]", /^Done/, 80_000);
      expect(await page.locator('[data-who="@bn/wasm"]').count()).toBe(1);
      await textOf(page, ".problem", /@bn\/wasm is timed on one thread.*did not start/s);
    });
    expect(workers).toBe(2);
  });
});
