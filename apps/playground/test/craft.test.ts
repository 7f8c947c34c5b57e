import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { launchBrowser } from "@bn/gpu-setup";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildOnce, DIST, type Site, serveBuilt } from "../build/site.ts";
import { textOf, withApp } from "./app.ts";
import { READY } from "./ready.ts";

const FIRST_LOAD = 200_000;

/** The parts of axe's interface in the page that are used. */
declare const axe: {
  run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
};

let browser: Awaited<ReturnType<typeof launchBrowser>>;
let site: Site;

beforeAll(async () => {
  await buildOnce();
  [browser, site] = await Promise.all([launchBrowser(), serveBuilt()]);
});
afterAll(async () => {
  await browser.close();
  await site.close().catch(() => {});
});

describe("every panel", () => {
  it.each(Object.keys(READY))(
    "#/%s: axe finds nothing serious, nothing is wider than 360 px, nothing moves while it loads",
    async (panel) => {
      const source = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
      for (const [width, scheme] of [
        [360, "dark"],
        [1280, "light"],
      ] as const) {
        await withApp(
          browser,
          site.url,
          `#/${panel}`,
          async (page) => {
            await page
              .locator(READY[panel] ?? "")
              .first()
              .waitFor();
            await page.evaluate(source);
            const found = await page.evaluate(async () => {
              const { violations } = await axe.run();
              return violations
                .filter(({ impact }) => impact === "serious" || impact === "critical")
                .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
            });
            expect(found, `${width} px, ${scheme}`).toEqual([]);
            const wide = await page.evaluate(
              () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
            );
            expect(wide, `${width} px`).toBeLessThanOrEqual(0);
            const shift = await page.evaluate(
              () =>
                new Promise<number>((resolve) => {
                  let sum = 0;
                  new PerformanceObserver((list) => {
                    for (const entry of list.getEntries()) sum += (entry as PerformanceEntry & { value: number }).value;
                  }).observe({ type: "layout-shift", buffered: true });
                  setTimeout(() => resolve(sum), 100);
                }),
            );
            expect(shift, `${width} px: the sum of layout shifts, of which a tenth is good`).toBeLessThan(0.1);
          },
          { width, scheme, height: 800 },
        );
      }
    },
  );
});

it("what comes with the first load stays below 200 kB compressed", async () => {
  const paths = new Set<string>();
  const context = await browser.newContext({ serviceWorkers: "block" });
  const page = await context.newPage();
  page.on("request", (request) => paths.add(new URL(request.url()).pathname));
  await page.goto(site.url);
  await page.locator(".facts").waitFor();
  await context.close();
  const sizes = await Promise.all(
    [...paths].map(
      async (path) => [path, gzipSync(await readFile(join(DIST, path === "/" ? "index.html" : path))).length] as const,
    ),
  );
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  console.info(`first load: ${total} bytes compressed: ${sizes.map(([path, size]) => `${path} ${size}`).join(", ")}`);
  expect(sizes.length).toBeGreaterThan(2); // the page, its script and its style
  expect(total).toBeLessThan(FIRST_LOAD);
});

it("keys alone reach every panel, and focus goes to its heading", () =>
  withApp(browser, site.url, "#/", async (page) => {
    await page.locator("nav a").first().focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await textOf(page, "h1", /The derivation/);
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("H1");
    expect(page.url()).toMatch(/#\/derivation$/);
    expect(await page.title()).toBe("The derivation - @bn playground");
  }));

it("an address that no panel has leads on", () =>
  withApp(browser, site.url, "#/nothing", async (page) => {
    await textOf(page, ".note", /There is no panel "nothing"/);
  }));

it("a slow machine is told that it takes longer and can cancel", () =>
  withApp(
    browser,
    site.url,
    "#/",
    (page) => textOf(page, ".facts", /Processors1 *Runs take longer here; you can cancel each/).then(() => {}),
    {
      before: () => Object.defineProperty(navigator, "hardwareConcurrency", { value: 1 }),
    },
  ));

it("a panel whose code does not come says so with a cure; the others open", async () => {
  const context = await browser.newContext({ serviceWorkers: "block" });
  try {
    const page = await context.newPage();
    await page.goto(site.url);
    await page.route(/\/panel-[^/]*\.js$/, (route) => route.abort(), { times: 1 });
    await page.getByRole("link", { name: "Precision" }).first().click();
    await textOf(page, ".problem", /could not be loaded.*Check the connection and reload the page/s);
    await page.getByRole("link", { name: "The derivation" }).first().click();
    await page.locator(".values").waitFor();
  } finally {
    await context.close();
  }
});

it("from the second load on it is isolated on a host without headers; without the host it still opens", async () => {
  const own = await serveBuilt();
  let open = true;
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(own.url);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await page.reload();
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await own.close();
    open = false;
    await page.goto(`${own.url}#/derivation`);
    await page.reload();
    await page.locator(".values").waitFor();
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  } finally {
    await context.close();
    if (open) await own.close();
  }
});

it("offline, what was never fetched is said with a cure, and what needs nothing goes on", async () => {
  const own = await serveBuilt();
  let open = true;
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(own.url);
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await own.close();
    open = false;
    // No panel was opened before. Their code is cached; the golden data, results and samples are not.
    await page.getByRole("link", { name: "Conformance here" }).first().click();
    await textOf(page, ".gallery .problem", /could not be loaded.*Check the connection and try again/s);
    await page.getByLabel("webgpu").uncheck();
    await page.getByRole("button", { name: "Run the quick suite" }).click();
    for (const name of ["cpu", "wasm"])
      await textOf(page, `[data-backend="${name}"] .problem`, /did not run.*Check the connection and try again/s);
    await page.getByRole("link", { name: "Your model" }).first().click();
    await page.getByRole("button", { name: /PaddleOCR/ }).click();
    await textOf(page, ".problem", /Check the connection and try again/);
    await page.getByRole("button", { name: /with mistakes/ }).click();
    await textOf(page, "[data-layers]", /6 normalization layers/);
    await page.getByRole("link", { name: "The derivation" }).first().click();
    await page.locator(".values").waitFor();
  } finally {
    await context.close();
    if (open) await own.close();
  }
});
