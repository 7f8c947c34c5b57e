import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchBrowser } from "@bn/gpu-setup";
import { importModel } from "@bn/onnx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildOnce, type Site, serveBuilt } from "../build/site.ts";
import { mistaken } from "../src/model/mistaken.ts";
import { digitsOf, RATIOS } from "../src/precision/measure.ts";
import { FORMULAS, openBackendMethod } from "../src/precision/methods.ts";
import { textOf, withApp } from "./app.ts";

let browser: Awaited<ReturnType<typeof launchBrowser>>;
let site: Site;

beforeAll(async () => {
  await buildOnce();
  [browser, site] = await Promise.all([launchBrowser(), serveBuilt()]);
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

describe("precision", () => {
  it("measures here what Node measures", () =>
    withApp(browser, site.url, "#/precision", async (page) => {
      await textOf(page, "[data-rows]", /Measured at 29 ratios/);
      await page.getByRole("slider", { name: "mean / std" }).fill("16");
      const shown = await page
        .locator("[data-method]")
        .evaluateAll((rows) =>
          rows.map(
            (row) => [(row as HTMLElement).dataset.method, Number((row as HTMLElement).dataset.digits)] as const,
          ),
        );
      const methods = [...FORMULAS, await openBackendMethod("cpu"), await openBackendMethod("wasm")];
      const here = await digitsOf(methods, RATIOS[16] ?? 0);
      expect(shown.map(([name]) => name)).toEqual([...here.keys(), "@bn/webgpu"]);
      // Logarithms may differ by an ulp between engines, but the measured results may not.
      for (const [name, digits] of shown)
        if (name && here.has(name)) expect(digits, name).toBeCloseTo(here.get(name) ?? 0, 9);
      const at = new Map(shown);
      expect(at.get("@bn/cpu")).toBeGreaterThan((at.get("E[x^2] - E[x]^2") ?? 16) + 2);
      for (const { close } of methods) await close();
    }));
});

describe("a model dropped in", () => {
  it("ONNX: what bn inspect says, and ONNX Runtime and backends agree", () =>
    withApp(browser, site.url, "#/model", async (page) => {
      await page.getByRole("button", { name: /PaddleOCR/ }).click();
      await textOf(page, "[data-layers]", /ONNX, 579 kB: 35 normalization layers, none looks wrong/);
      await page.getByRole("button", { name: "Verify this model" }).click();
      const verdict = await textOf(page, ".verified .verdict", /^70 passed/, 80_000);
      expect(verdict).toBe("70 passed, 0 failed, 0 skipped");
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "Download the report" }).click(),
      ]);
      const html = await readFile(await download.path(), "utf8");
      expect(html).toContain("35 normalization nodes");
      expect(html).toContain("all passed");
    }));

  it("Caffe: weights and network, verified with Caffe's own blobs", () =>
    withApp(browser, site.url, "#/model", async (page) => {
      await page.getByRole("button", { name: /yoloface/ }).click();
      await textOf(page, "[data-layers]", /Caffe, 55 kB: 23 normalization layers/);
      await page.locator(".controls").getByLabel("wasm").uncheck();
      await page.getByRole("button", { name: "Verify this model" }).click();
      await textOf(page, ".verified .verdict", /^23 passed, 0 failed, 0 skipped/, 80_000);
    }));

  it("suspects come first, in bn inspect's words", async () => {
    const file = mistaken();
    const { diagnostics } = await importModel(new Uint8Array(await file.arrayBuffer()), { partial: true });
    const suspects = diagnostics.filter(({ kind }) => kind === "suspect");
    await withApp(browser, site.url, "#/model", async (page) => {
      await page.getByRole("button", { name: /with mistakes/ }).click();
      await textOf(page, "[data-layers]", /6 normalization layers, 5 look wrong/);
      expect(await page.locator(".layers tbody tr").first().getAttribute("class")).toBe("suspect");
      const shown = await page.locator(".diagnostics li").allTextContents();
      expect(shown).toEqual(suspects.map(({ message }) => `suspect: ${message}`));
    });
  });

  it("what is no model is refused with a cure, and the page goes on", () =>
    withApp(browser, site.url, "#/model", async (page) => {
      const drop = (name: string, buffer: Buffer) =>
        page.locator('.drop input[type="file"]').setInputFiles({ name, mimeType: "application/octet-stream", buffer });
      await drop("readme.onnx", Buffer.from("# This is a text about a model\n"));
      await textOf(page, ".problem", /This model cannot be opened.*Check that the file is complete/s);
      const whole = Buffer.from(await mistaken().arrayBuffer());
      await drop("half.onnx", whole.subarray(0, whole.length / 2));
      await textOf(page, ".problem", /This model cannot be opened/);
      await drop("net.prototxt", Buffer.from("layer { }"));
      await textOf(page, ".problem", /a network without weights; drop the \.caffemodel together with it/);
      await drop("mistakes.onnx", whole);
      await textOf(page, "[data-layers]", /6 normalization layers/);
      expect(await page.locator(".problem").count()).toBe(0);
    }));

  it("an input that is none, or does not fit, is refused with a cure, and the page goes on", () =>
    withApp(browser, site.url, "#/model", async (page) => {
      await page.getByRole("button", { name: /PaddleOCR/ }).click();
      await page.locator("[data-layers]").waitFor();
      const verifyWith = async (name: string, buffer: Buffer) => {
        await page.getByLabel("input as .npy").setInputFiles({ name, mimeType: "application/octet-stream", buffer });
        await page.getByRole("button", { name: "Verify this model" }).click();
      };
      await verifyWith("notes.npy", Buffer.from("hello"));
      await textOf(page, ".problem", /notes\.npy: is not a \.npy file; save it with numpy\.save.*Check that/s);
      await verifyWith("small.npy", npy([1, 2, 3]));
      await textOf(page, ".problem", /gives input ".+" \[3\], the model expects \[.*Change the value/s);
      await page.getByLabel("input as .npy").setInputFiles([]);
      await page.getByRole("button", { name: "Verify this model" }).click();
      await textOf(page, ".verified .verdict", /^70 passed, 0 failed/, 80_000);
      expect(await page.locator(".problem").count()).toBe(0);
    }));

  it("100 MB open, and their bytes are read in the worker", async () => {
    const folder = await mkdtemp(join(tmpdir(), "bn-large-"));
    const path = join(folder, "large.onnx");
    await writeFile(path, withWeight(new Uint8Array(await mistaken().arrayBuffer()), 25e6));
    try {
      await withApp(browser, site.url, "#/model", async (page) => {
        await page.locator('.drop input[type="file"]').setInputFiles(path);
        await textOf(page, "[data-layers]", /ONNX, 100\.0 MB: 6 normalization layers/, 80_000);
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** The bytes that numpy.save writes for one row of float32. */
function npy(values: readonly number[]): Buffer {
  const header = `${`{'descr': '<f4', 'fortran_order': False, 'shape': (${values.length},), }`.padEnd(117)}\n`;
  const head = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, header.length, 0]);
  return Buffer.concat([head, Buffer.from(header), Buffer.from(new Float32Array(values).buffer)]);
}

/** The model with another initialiser of `count` zeros. A message that is split in a file is merged when it is read. */
function withWeight(model: Uint8Array, count: number): Uint8Array {
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
  const field = (number: number, length: number) => [...varint(number * 8 + 2), ...varint(length)];
  // the fields dims, float, name "w" and raw_data
  const head = [8, ...varint(count), 16, 1, ...field(8, 1), 119, ...field(9, count * 4)];
  const tensor = head.length + count * 4;
  const graph = field(5, tensor); // the field initializer
  const prefix = [...field(7, graph.length + tensor), ...graph, ...head];
  const all = new Uint8Array(model.length + prefix.length + count * 4);
  all.set(model);
  all.set(prefix, model.length);
  return all;
}

describe("speed", () => {
  it("checks every result, times it beside a copy, and says what a peer does not do", () =>
    withApp(browser, site.url, "#/speed", async (page) => {
      await page.getByLabel(/^shape/).fill("2x8x4x4");
      await page.getByLabel("with tfjs and onnxruntime-web").check();
      await page.getByRole("button", { name: "Measure this shape" }).click();
      await textOf(page, "[data-doing]", /^Done/, 80_000);
      const names = await page.locator(".speed tbody th").allTextContents();
      expect(names).toEqual([
        "a copy of the same bytes",
        "@bn/cpu",
        "@bn/wasm",
        "@bn/webgpu",
        "tfjs (JavaScript)",
        "onnxruntime-web (wasm)",
      ]);
      for (const name of names.slice(0, 5)) {
        const row = page.locator(`[data-who="${name}"]`);
        expect(Number(await row.getAttribute("data-ms")), name).toBeGreaterThan(0);
        if (name.startsWith("@bn/"))
          expect(Number(await row.locator("td").nth(3).textContent()), name).toBeGreaterThan(5);
      }
      expect(await page.locator('[data-who="onnxruntime-web (wasm)"]').textContent()).toContain(
        "it has no such operation",
      );
    }));

  it("a shape that is none is said before anything runs", () =>
    withApp(browser, site.url, "#/speed", async (page) => {
      await page.getByLabel(/^shape/).fill("8 by 8");
      await textOf(page, ".note", /A shape is two to five sizes/);
      expect(await page.getByRole("button", { name: "Measure this shape" }).isDisabled()).toBe(true);
    }));

  it("without WebGPU, and where memory is refused, says what is left out and times the others", () =>
    withApp(
      browser,
      site.url,
      "#/speed",
      async (page) => {
        await page.getByLabel(/^shape/).fill("2x8x4x4");
        await page.getByRole("button", { name: "Measure this shape" }).click();
        await textOf(page, "[data-doing]", /^Done/, 80_000);
        await textOf(page, ".problem", /webgpu is left out.*The first page says what this browser lacks/s);
        await textOf(page, ".problem", /wasm is left out.*Close other tabs/s);
        expect(
          await page.locator("[data-who]").evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset.who)),
        ).toEqual(["a copy of the same bytes", "@bn/cpu"]);
      },
      {
        inWorkers: `Object.defineProperty(navigator, "gpu", { value: undefined });
          WebAssembly.Memory = function () { throw new RangeError("could not allocate memory"); };`,
      },
    ));
});
