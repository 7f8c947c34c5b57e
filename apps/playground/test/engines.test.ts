import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cases, type Result } from "@bn/conformance";
import { diffReports, diffText, parseReport, renameBackends } from "@bn/conformance/report";
import { createCpu } from "@bn/cpu";
import { type Driven, ENGINES, type Engine, missing, type Person, personAt } from "@bn/engines";
import { ISOLATED, launchBrowser } from "@bn/gpu-setup";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildOnce, type Site, serveBuilt } from "../build/site.ts";
import { mistaken } from "../src/model/mistaken.ts";
import { digitsOf, RATIOS } from "../src/precision/measure.ts";
import { FORMULAS, openBackendMethod } from "../src/precision/methods.ts";
import { withApp } from "./app.ts";
import { bnDiff } from "./bn-diff.ts";
import { truthOf } from "./oracle.ts";
import { bitsOf, hereOnCpu, runAndDownload } from "./runs.ts";

// Tests Firefox and WebKitGTK of Debian, each driven by its own protocol with real keys, clicks, drags and files.

/** A few cases that Caffe wrote. Their errors differ between backends, but on cpu they are the same in every engine. */
const FILTER = "goldens/bn_in_place/";

let folder: string;
let site: Site;
let here: readonly Result[];
/** Chromium's report, as its page offers it. */
let chromium: string;

beforeAll(async () => {
  await buildOnce();
  folder = mkdtempSync(join(tmpdir(), "bn-page-"));
  site = await serveBuilt(ISOLATED);
  here = await hereOnCpu(FILTER);
  const browser = await launchBrowser();
  try {
    await withApp(browser, site.url, `#/conformance?filter=${FILTER}`, async (page) => {
      chromium = await runAndDownload(page, ["cpu", "wasm"]);
    });
  } finally {
    await browser.close();
  }
  for (const [name, content] of Object.entries({
    "chromium.json": chromium,
    "text.onnx": "# This is a text about a model\n",
    "mistakes.onnx": new Uint8Array(await mistaken().arrayBuffer()),
  }))
    writeFileSync(join(folder, name), content);
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await site.close();
});

/** WebGPU is behind a switch in Firefox, which is on here; WebKitGTK has none. */
const HAS_WEBGPU = (engine: Engine) => engine.name === "Firefox";

for (const engine of ENGINES) {
  const lacking = missing(engine);
  const why = lacking.length > 0 ? ` (skipped: install Debian's ${lacking.join(", ")})` : "";
  describe.skipIf(lacking.length > 0)(`${engine.name}${why}`, () => {
    let driven: Driven;
    let person: Person;
    const goTo = (hash: string) => driven.run(`location.hash = ${JSON.stringify(hash)};`);
    const all = (selector: string, what: string) =>
      driven.run<string[]>(`return [...document.querySelectorAll(args)].map((one) => one.${what});`, selector);
    /** Columns of the table of values, all of one moment. */
    const columns = async (...indices: readonly number[]) => {
      const cells = (await all(".values tbody td", "dataset.value")).map(Number);
      return indices.map((index) => cells.filter((_, i) => i % 8 === index));
    };

    beforeAll(async () => {
      driven = await engine.drive({ seconds: 600 });
      person = personAt(driven);
      await driven.goto(site.url);
    });
    afterAll(async () => {
      await driven?.close();
    });
    const flow = (name: string, use: () => Promise<void>) =>
      it(name, async () => {
        await use();
        expect(await driven.complaints()).toEqual([]);
      });

    flow("the first page says what this browser can do", async () => {
      await person.see(".facts", engine.name === "Firefox" ? /Firefox 1\d\d/ : /WebKitGTK, as Safari/);
      const facts = await person.see(".facts", /Threads of wasm/);
      expect(facts).toMatch(HAS_WEBGPU(engine) ? /WebGPUavailable/ : /WebGPUmissing.*WebKitGTK does not have it yet/);
      await person.click("nav a", /derivation/);
      await person.see("h1", /^The derivation$/);
      expect(await driven.run("return document.activeElement.tagName;")).toBe("H1");
    });

    flow("the derivation: keys, a drag and settings give what the oracle says", async () => {
      await person.focus('[aria-label="x 1"]');
      await person.press("ArrowUp", "PageUp");
      await expect.poll(async () => (await columns(0))[0]?.[0]).toBe(3.2);
      await person.drag('[aria-label="dy 2"]', 0, -40);
      await expect.poll(async () => (await columns(3))[0]?.[1]).toBeGreaterThan(0.3);
      await expectTruth();
      await person.click("label", /stored statistics/);
      await person.see(".formulas", /two of the three paths do not exist/);
      await expect.poll(async () => (await columns(5, 6)).flat()).toEqual(new Array(16).fill(0));
      await person.click("label", /stored statistics/);
      await person.click("button", /^Start again/);
      await person.check(/each batch a little different/, false);
      await person.click("button", /^Ten steps/);
      await person.see("[data-steps]", /After 10 steps .* mean 3\.0000 and variance 3\.6429/);
    });

    async function expectTruth(): Promise<void> {
      await using cpu = await createCpu();
      const [x, y, dy, dx] = await columns(0, 2, 3, 7);
      const truth = truthOf(cpu, x ?? [], dy ?? [], 1e-5, 1);
      expect(y?.length).toBe(8);
      for (const [i, value] of (y ?? []).entries())
        expect(Math.abs(value - (truth.y[i] ?? 0)), `y ${i}`).toBeLessThanOrEqual(truth.yBound[i] ?? 0);
      for (const [i, value] of (dx ?? []).entries())
        expect(Math.abs(value - (truth.dx[i] ?? 0)), `dx ${i}`).toBeLessThanOrEqual(truth.dxBound[i] ?? 0);
    }

    flow("conformance: every backend there is passes; two engines' files differ as bn diff prints it", async () => {
      await goTo(`#/conformance?filter=${FILTER}`);
      await person.click("button", /^Run these cases/);
      const backends = HAS_WEBGPU(engine) ? 3 : 2;
      const verdict = await person.see('.verdict:not([data-verdict="running"])', / in [\d.]+ s$/, 80);
      const passed = here.filter(({ status }) => status === "passed").length;
      expect(verdict).toMatch(HAS_WEBGPU(engine) ? /^\d+ passed, 0 failed/ : `${backends * passed} passed, 0 failed`);
      if (!HAS_WEBGPU(engine)) await person.see('[data-backend="webgpu"] .problem', /WebKitGTK does not have it yet/);
      const text = await saved("Download as JSON");
      const mine = parseReport("mine", text);
      expect(mine.backends.length).toBe(backends);
      expect(bitsOf(mine.results.filter(({ backend }) => backend === "cpu"))).toEqual(bitsOf(here));
      const path = join(folder, `${engine.name}.json`);
      writeFileSync(path, text);
      await driven.choose('.compare input[type="file"]', [join(folder, "chromium.json"), path]);
      const shown = await person.see(".difference", /as before/);
      const old = parseReport("chromium", chromium);
      expect(shown).toBe(diffText(diffReports(old, mine)));
      expect(shown).toContain(`runtime: ${old.run?.runtime} -> ${mine.run?.runtime}`);
      expect(await bnDiff(join(folder, "chromium.json"), path)).toBe(shown);
      const pair = "cpu=wasm";
      await driven.run(
        `const select = document.querySelector(".compare select"); select.value = args; select.dispatchEvent(new Event("change", { bubbles: true }));`,
        pair,
      );
      const paired = diffText(diffReports(...renameBackends(old, mine, pair)));
      expect(paired).not.toBe(shown);
      await expect.poll(async () => (await all(".difference", "textContent")).join("")).toBe(paired);
      expect(await bnDiff(join(folder, "chromium.json"), path, "--backend", pair)).toBe(paired);
    });

    /** Presses a button that offers a file, and returns the file. */
    async function saved(button: string): Promise<string> {
      await driven.run(`globalThis.bnSaved = null;
        const make = URL.createObjectURL;
        URL.createObjectURL = (blob) => { globalThis.bnSaved = blob; return make.call(URL, blob); };`);
      await person.click("button", new RegExp(`^${button}`));
      return driven.run<string>(
        "while (!globalThis.bnSaved) await new Promise((resolve) => setTimeout(resolve, 20)); return bnSaved.text();",
      );
    }

    flow("conformance: a link to one case", async () => {
      const one = cases({ tier: "quick" }).find(({ id }) => /^exact.*float32$/.test(id));
      expect(one).toBeDefined();
      await goTo(`#/conformance?case=${encodeURIComponent(one?.id ?? "")}`);
      await person.see(".verdict", HAS_WEBGPU(engine) ? /^3 passed, 0 failed/ : /^2 passed, 0 failed/);
      expect((await all(".one .status", "textContent")).every((status) => status === "passed")).toBe(true);
    });

    flow("precision: measures what Node measures", async () => {
      await goTo("#/precision");
      await person.see("[data-rows]", /Measured at 29 ratios/);
      await person.focus('input[type="range"]');
      await person.press("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight"); // moves the point from 12 to 16
      await person.see("h2", /mean \/ std = 1\.0e\+4/);
      const [names, digits] = [
        await all("[data-method]", "dataset.method"),
        await all("[data-method]", "dataset.digits"),
      ];
      const methods = [...FORMULAS, await openBackendMethod("cpu"), await openBackendMethod("wasm")];
      const expected = await digitsOf(methods, RATIOS[16] ?? 0);
      expect(names.filter((name) => expected.has(name))).toEqual([...expected.keys()]);
      for (const [i, name] of names.entries())
        if (expected.has(name)) expect(Number(digits[i]), name).toBeCloseTo(expected.get(name) ?? 0, 9);
      for (const { close } of methods) await close();
    });

    flow(
      "a model: a text is refused, suspects are named, Caffe's blobs and ONNX Runtime agree with the backends",
      async () => {
        await goTo("#/model");
        await person.see(".drop");
        await driven.choose('.drop input[type="file"]', [join(folder, "text.onnx")]);
        await person.see(".problem", /This model cannot be opened.*Check that the file is complete/s);
        await driven.choose('.drop input[type="file"]', [join(folder, "mistakes.onnx")]);
        await person.see("[data-layers]", /6 normalization layers, 5 look wrong/);
        await person.click("button", /PaddleOCR/);
        await person.see("[data-layers]", /ONNX, 579 kB: 35 normalization layers, none looks wrong/);
        await person.click("button", /^Verify this model/);
        await person.see(".verified .verdict", /^70 passed, 0 failed, 0 skipped/, 80);
        expect(await saved("Download the report")).toContain("35 normalization nodes");
      },
    );

    flow("speed: every result is checked and timed beside a copy", async () => {
      await goTo("#/speed");
      await person.see("button", /^Measure this shape/);
      await driven.run(
        `const input = document.querySelector('.controls input[type="text"]'); input.focus(); input.select();`,
      );
      await person.press(..."2x8x4x4");
      await person.click("button", /^Measure this shape/);
      await person.see("[data-doing]", /^Done/, 80);
      await person.see("h2", /^2x8x4x4/);
      const names = await all("[data-who]", "dataset.who");
      const ms = (await all("[data-who]", "dataset.ms")).map(Number);
      const ours = ["@bn/cpu", "@bn/wasm", ...(HAS_WEBGPU(engine) ? ["@bn/webgpu"] : [])];
      expect(names).toEqual(["a copy of the same bytes", ...ours]);
      for (const one of ms) expect(one).toBeGreaterThanOrEqual(0); // the browsers' clocks are coarse
      const digits = (await all("[data-who] td:nth-child(5)", "textContent")).slice(1).map(Number);
      for (const one of digits) expect(one).toBeGreaterThan(5);
      if (!HAS_WEBGPU(engine)) await person.see(".problem", /webgpu is left out/);
    });

    it("offline: what was opened opens again, isolated, on a host without headers", async () => {
      const own = await serveBuilt();
      let closed = false;
      try {
        await driven.goto(own.url);
        if (!(await driven.run<boolean>('return "serviceWorker" in navigator;'))) {
          await person.see(".facts", /Offlinenot possible here.*no service workers/);
          return;
        }
        expect(await driven.run("return crossOriginIsolated;")).toBe(false);
        await driven.run(`await navigator.serviceWorker.ready;
          while (!navigator.serviceWorker.controller) await new Promise((resolve) => setTimeout(resolve, 20));`);
        await driven.goto(own.url);
        expect(await driven.run("return crossOriginIsolated;")).toBe(true);
        await own.close();
        closed = true;
        await driven.goto(`${own.url}?again#/derivation`);
        await person.see(".values td");
        expect(await driven.run("return crossOriginIsolated;")).toBe(true);
      } finally {
        if (!closed) await own.close();
      }
    });
  });
}
