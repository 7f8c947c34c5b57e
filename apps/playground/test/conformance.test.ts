import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cases, type Result } from "@bn/conformance";
import { loadGoldenCases } from "@bn/conformance/node";
import { diffReports, diffText, parseReport, type RunRecord, summarize } from "@bn/conformance/report";
import { ISOLATED, launchBrowser } from "@bn/gpu-setup";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildOnce, type Site, serveBuilt } from "../build/site.ts";
import { galleryOf } from "../build/site-files.ts";
import { textOf, withApp } from "./app.ts";
import { bnDiff } from "./bn-diff.ts";
import { bitsOf, hereOnCpu, runAndDownload } from "./runs.ts";

let browser: Awaited<ReturnType<typeof launchBrowser>>;
let plain: Site;
let isolated: Site;

beforeAll(async () => {
  await buildOnce();
  [browser, plain, isolated] = await Promise.all([launchBrowser(), serveBuilt(), serveBuilt(ISOLATED)]);
});
afterAll(async () => {
  await browser.close();
  await plain.close();
  await isolated.close();
});

const FILTER = "scale_";

describe("conformance here", () => {
  it("gives on cpu and wasm, on threads, what Node gives, bit for bit", async () => {
    const here = await hereOnCpu(FILTER);
    expect(here.length).toBeGreaterThan(20);
    await withApp(browser, isolated.url, `#/conformance?filter=${FILTER}`, async (page) => {
      const report = parseReport("downloaded", await runAndDownload(page, ["cpu", "wasm"]));
      const { passed } = summarize(here);
      expect(await page.textContent(".verdict")).toMatch(`${2 * passed} passed, 0 failed`);
      expect(report.backends.map(({ name }) => name)).toEqual(["cpu", "wasm"]);
      expect(report.backends[1]?.supports.details.threads).toBe("on: 2");
      expect(bitsOf(report.results.filter(({ backend }) => backend === "cpu"))).toEqual(bitsOf(here));
      expect(report.run?.runtime).toMatch(/^Chrome \d+/);
      expect(report.run?.seed).toBe("1");
    });
  });

  it("answers a link to one case, on webgpu too", async () => {
    const [{ id }] = (await hereOnCpu("exact/")).filter((one) => one.id.includes("float32")) as [Result];
    await withApp(browser, plain.url, `#/conformance?case=${encodeURIComponent(id)}`, async (page) => {
      await textOf(page, ".verdict", /^3 passed, 0 failed, 0 skipped in/);
      expect(await page.locator(".one .status").allTextContents()).toEqual(["passed", "passed", "passed"]);
      expect(await page.textContent('[data-backend="webgpu"] dl')).toContain("adapter");
    });
  });

  it("says that a case does not exist", () =>
    withApp(browser, plain.url, "#/conformance?case=no%2Fsuch%2Fcase", async (page) => {
      await textOf(page, ".note", /No case of the suite has this name/);
    }));

  it("can be cancelled, keeps what ran, and goes on with what did not and the rest of the suite", () =>
    withApp(browser, plain.url, "#/conformance", async (page) => {
      await page.getByLabel("webgpu").uncheck();
      await page.getByLabel("wasm").uncheck();
      await page.getByRole("button", { name: "Run the quick suite" }).click();
      await page
        .locator('[data-backend="cpu"] .count')
        .filter({ hasText: /^[1-9]\d* of \d{4}/ })
        .waitFor({ timeout: 60_000 });
      await page.getByRole("button", { name: "Cancel" }).click();
      const text = await textOf(page, ".verdict", /not run/);
      const [, passed, notRun] = /^(\d+) passed, 0 failed, 0 skipped, (\d+) not run/.exec(text) ?? [];
      expect(Number(passed)).toBeGreaterThan(0);
      expect(Number(notRun)).toBeGreaterThan(0);
      const whole = cases({ tier: "default" }).length + (await loadGoldenCases()).length;
      await page.getByRole("button", { name: "Go on with the rest" }).click();
      const count = await textOf(page, '[data-backend="cpu"] .count', new RegExp(` of ${whole} cases`));
      expect(Number.parseInt(count, 10)).toBeGreaterThanOrEqual(Number(passed));
      await page.getByRole("button", { name: "Cancel" }).click();
      const rest = await textOf(page, ".verdict", /not run/);
      const numbers = /^(\d+) passed, 0 failed, (\d+) skipped, (\d+) not run/.exec(rest)?.slice(1).map(Number) ?? [];
      expect(numbers.reduce((sum, one) => sum + one, 0)).toBe(whole);
      await page.getByRole("button", { name: "Go on with the rest" }).waitFor(); // it was cancelled, and can go on again
    }));

  it("shows the results that the build was given, each with its date and versions, and their files", async () => {
    const here = await hereOnCpu("exact/");
    const run = {
      date: "2026-02-03T04:05:06.000Z",
      suite: "9.8.7",
      tier: "quick",
      runtime: "Engine 12.3",
      os: "System 4",
      cpu: "2 processors",
      seconds: 1,
      packages: {},
      contract: 2,
      seed: "1",
      flags: ["--quick"],
      repeat: ["--quick"],
      shard: null,
      ended: null,
      notStarted: [],
    } satisfies RunRecord;
    const folder = await mkdtemp(join(tmpdir(), "bn-results-"));
    const text = JSON.stringify({ run, results: here });
    await writeFile(join(folder, "engine.json"), text);
    const index = JSON.stringify(galleryOf(folder));
    await writeFile(join(folder, "text.json"), "hello");
    expect(() => galleryOf(folder)).toThrow(/text\.json: it is not JSON/);
    await rm(folder, { recursive: true });
    expect(index.length).toBeLessThan(text.length / 5);
    await withApp(
      browser,
      plain.url,
      "#/conformance?filter=exact/",
      async (page) => {
        const row = await textOf(page, ".gallery tbody tr", /Engine 12\.3/);
        expect(row).toContain(`2026-02-039.8.7, quickcpu: ${here.length} passed, 0 failed, 0 skipped`);
        expect(await page.getByRole("link", { name: "engine.json" }).getAttribute("href")).toBe(
          "./results/engine.json",
        );
        await page.getByRole("button", { name: "Compare" }).click();
        await textOf(page, ".file", new RegExp(`^engine\\.json Engine 12\\.3, .*: ${here.length} passed`));
        await page.getByRole("button", { name: "Clear" }).click();
        await page.getByRole("button", { name: /^Run/ }).click();
        await page.locator('.verdict:not([data-verdict="running"])').waitFor({ timeout: 80_000 });
        await page.getByRole("button", { name: "Compare" }).click();
        await textOf(page, ".file", /^old: engine\.json Engine 12\.3/);
        await textOf(page, ".file", /^new: this run Chrome/);
        const shown = await textOf(page, ".difference", /as before/);
        expect(shown).toContain(`${here.length} as before`);
      },
      { serve: { "results/index.json": index, "results/engine.json": text } },
    );
  });
});

describe("two results", () => {
  it("differ as bn diff prints it", async () => {
    const report = (results: object[]) => JSON.stringify({ run: null, results });
    const base = { backend: "cpu", group: "g", clause: "K-1", error: 1e-7, bound: 1e-6, ratio: 0.1, reason: "" };
    const old = report([
      { ...base, id: "a", status: "passed" },
      { ...base, id: "b", status: "failed", reason: "off", ratio: 3 },
      { ...base, id: "c", status: "passed" },
      { ...base, id: "d", status: "passed" },
    ]);
    const now = report([
      { ...base, id: "a", status: "failed", reason: "top is off by 3 times its bound", ratio: 3 },
      { ...base, id: "b", status: "passed" },
      { ...base, id: "c", status: "passed", ratio: 0.9 },
      { ...base, id: "e", status: "passed" },
    ]);
    await withApp(browser, plain.url, "#/conformance", async (page) => {
      const files = [old, now].map((text, i) => ({
        name: `${i}.json`,
        mimeType: "application/json",
        buffer: Buffer.from(text),
      }));
      await page.locator('input[type="file"]').setInputFiles(files);
      const shown = await textOf(page, ".difference", /as before/);
      expect(shown).toBe(diffText(diffReports(parseReport("0", old), parseReport("1", now))));
      const folder = await mkdtemp(join(tmpdir(), "bn-diff-"));
      const paths = files.map(({ name }) => join(folder, name));
      await Promise.all(files.map(({ buffer }, i) => writeFile(paths[i] ?? "", buffer)));
      const printed = await bnDiff(...paths);
      await rm(folder, { recursive: true });
      expect(printed).toBe(shown);
    });
  });

  it("a file that is no report is refused with a cure, and the page goes on", () =>
    withApp(browser, plain.url, "#/conformance", async (page) => {
      await page
        .locator('input[type="file"]')
        .setInputFiles({ name: "notes.json", mimeType: "application/json", buffer: Buffer.from("hello") });
      await textOf(page, ".problem", /notes\.json: it is not JSON.*Check that the file is complete/s);
      // Two files of JSON that are not reports, then two files of which one is a report with an invalid record of its run.
      const report = { results: [{ backend: "cpu", id: "a", status: "passed", ratio: 0.5 }] };
      for (const [texts, pattern] of [
        [['{"name": "x"}', "[1, 2]"], /0\.json: it has no list `results`.*Check that the file is complete/s],
        [
          [report, { ...report, run: { packages: 3 } }].map((one) => JSON.stringify(one)),
          /1\.json: run\.packages is not/,
        ],
      ] as const) {
        await page
          .locator('input[type="file"]')
          .setInputFiles(
            texts.map((text, i) => ({ name: `${i}.json`, mimeType: "application/json", buffer: Buffer.from(text) })),
          );
        await textOf(page, ".problem", pattern);
        expect(await page.locator(".compare .file").count()).toBe(0);
      }
      await page
        .locator('input[type="file"]')
        .setInputFiles({ name: "one.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(report)) });
      await textOf(page, ".compare .file", /one\.json it does not say what ran it: 1 passed/);
      expect(await page.locator(".compare .problem").count()).toBe(0);
    }));
});

describe("what is missing", () => {
  let exact = 0;
  beforeAll(async () => {
    exact = (await hereOnCpu("exact/")).filter(({ status }) => status === "passed").length;
    expect(exact).toBeGreaterThan(2);
  });

  it("no WebGPU: the card says how to get it, the others run", () =>
    withApp(
      browser,
      plain.url,
      `#/conformance?filter=exact/`,
      async (page) => {
        await page.getByLabel("wasm").uncheck();
        await page.getByRole("button", { name: /^Run/ }).click();
        await textOf(page, '[data-backend="webgpu"] .problem', /ERR_BN|WebGPU/);
        await textOf(page, '[data-backend="webgpu"] .problem', /Chrome and Edge have it from version 113/);
        await textOf(page, ".verdict", new RegExp(`^${exact} passed, 0 failed`));
      },
      { inWorkers: `Object.defineProperty(navigator, "gpu", { value: undefined });` },
    ));

  it("memory refused: wasm says so with a cure, cpu runs", () =>
    withApp(
      browser,
      plain.url,
      `#/conformance?filter=exact/`,
      async (page) => {
        await page.getByLabel("webgpu").uncheck();
        await page.getByRole("button", { name: /^Run/ }).click();
        await textOf(page, '[data-backend="wasm"] .problem', /refused memory that may grow.*Close other tabs/s);
        await textOf(page, ".verdict", new RegExp(`^${exact} passed, 0 failed`));
      },
      { inWorkers: `WebAssembly.Memory = function () { throw new RangeError("could not allocate memory"); };` },
    ));

  it("a lost device: its case fails, a new device goes on", () =>
    withApp(
      browser,
      plain.url,
      `#/conformance?filter=exact/`,
      async (page) => {
        for (const name of ["cpu", "wasm"]) await page.getByLabel(name, { exact: true }).uncheck();
        await page.getByRole("button", { name: /^Run/ }).click();
        await textOf(page, '[data-backend="webgpu"] .problem', /lost its device.*a new device is requested/s);
        const verdict = await textOf(page, ".verdict", /failed.* in /, 80_000);
        const [, passed, failed] = /^(\d+) passed, (\d+) failed/.exec(verdict) ?? [];
        expect(Number(failed)).toBeGreaterThan(0);
        expect(Number(passed)).toBeGreaterThan(0);
      },
      {
        inWorkers: `{
          const request = GPUAdapter.prototype.requestDevice;
          let first = true;
          GPUAdapter.prototype.requestDevice = async function (...options) {
            const device = await request.apply(this, options);
            if (first) setTimeout(() => device.destroy(), 1500);
            first = false;
            return device;
          };
        }`,
      },
    ));
});
