import { createCpu } from "@bn/cpu";
import { launchBrowser } from "@bn/gpu-setup";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildOnce, type Site, serveBuilt } from "../build/site.ts";
import { type Page, textOf, withApp } from "./app.ts";
import { truthOf } from "./oracle.ts";

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

/** The columns of the table of values, all of one moment. */
async function valuesOf(page: Page) {
  const rows = await page
    .locator(".values tbody tr")
    .evaluateAll((found) =>
      found.map((row) => [...row.querySelectorAll("td")].map((cell) => Number(cell.dataset.value))),
    );
  const [x, , y, dy, direct, mean, variance, dx] = [0, 1, 2, 3, 4, 5, 6, 7].map((i) =>
    rows.map((row) => row[i] ?? Number.NaN),
  );
  return { x, y, dy, direct, mean, variance, dx } as Record<
    "x" | "y" | "dy" | "direct" | "mean" | "variance" | "dx",
    number[]
  >;
}

async function expectTruth(page: Page, gamma = 1): Promise<void> {
  await using cpu = await createCpu();
  const { x, y, dy, direct, mean, variance, dx } = await valuesOf(page);
  const truth = truthOf(cpu, x, dy, 1e-5, gamma);
  for (const [i, value] of y.entries())
    expect(Math.abs(value - (truth.y[i] ?? 0)), `y ${i}`).toBeLessThanOrEqual(truth.yBound[i] ?? 0);
  for (const [i, value] of dx.entries()) {
    const bound = truth.dxBound[i] ?? 0;
    expect(Math.abs(value - (truth.dx[i] ?? 0)), `dx ${i}`).toBeLessThanOrEqual(bound);
    // Each term is a difference of two results with this bound, and so are their sum and dx.
    const sum = (direct[i] ?? 0) + (mean[i] ?? 0) + (variance[i] ?? 0);
    expect(Math.abs(sum - value), `terms of dx ${i}`).toBeLessThanOrEqual(8 * bound);
  }
}

describe("the derivation", () => {
  it("shows @bn/cpu's numbers, which the oracle confirms, after keys, a drag and settings", () =>
    withApp(browser, site.url, "#/derivation", async (page) => {
      await page.locator(".values tbody tr").first().waitFor();
      expect((await valuesOf(page)).x).toEqual([1, 2, 3, 6, 4, 2.5, 5, 0.5]);
      await expectTruth(page);
      await page.getByRole("slider", { name: "x 1" }).focus();
      await page.keyboard.press("ArrowUp");
      await page.keyboard.press("PageUp");
      await expect.poll(async () => (await valuesOf(page)).x[0]).toBe(3.2);
      const handle = page.getByRole("slider", { name: "dy 2", exact: true });
      const box = await handle.boundingBox();
      if (!box) throw new Error("dy 2 is not drawn");
      await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width / 2, box.y - 40, { steps: 4 });
      await page.mouse.up();
      await expect.poll(async () => (await valuesOf(page)).dy[1]).toBeGreaterThan(0.3);
      await page.getByRole("slider", { name: "gamma" }).fill("1.5");
      await expect.poll(async () => (await valuesOf(page)).y[3]).toBeGreaterThan(2);
      await expectTruth(page, 1.5);
    }));

  it("stored statistics leave two of the three paths out", () =>
    withApp(browser, site.url, "#/derivation", async (page) => {
      await page.getByLabel("stored statistics").check();
      await textOf(page, ".formulas", /two of the three paths do not exist/);
      const zeros = new Array(8).fill(0);
      await expect.poll(async () => (await valuesOf(page)).variance).toEqual(zeros);
      const { dy, mean, dx } = await valuesOf(page);
      expect(mean).toEqual(zeros);
      const r = 1 / Math.sqrt(4 + Math.fround(1e-5)); // the panel starts with mean 3 and variance 4
      for (const [i, value] of dx.entries()) expect(value).toBeCloseTo((dy[i] ?? 0) * r, 12);
    }));

  it("dy the same everywhere gives no dx, and one term lights up in all places", () =>
    withApp(browser, site.url, "#/derivation", async (page) => {
      await page.getByRole("button", { name: "dy the same everywhere" }).click();
      await expect.poll(async () => (await valuesOf(page)).dy).toEqual(new Array(8).fill(1));
      await expectTruth(page);
      await page.getByRole("button", { name: "through the variance" }).focus();
      expect(
        await page.locator('.derivation[data-term="through-variance"] .t-through-variance').count(),
      ).toBeGreaterThan(10);
    }));

  it("the average is one from the first step on", () =>
    withApp(browser, site.url, "#/derivation", async (page) => {
      await page.getByLabel("each batch a little different").uncheck();
      await page.getByRole("button", { name: "One step" }).click();
      // The batch has mean 3 and variance 3.1875 times 8/7.
      await textOf(
        page,
        "[data-steps]",
        /After 1 step the layer would normalize with mean 3\.0000 and variance 3\.6429/,
      );
      await page.getByRole("button", { name: "Ten steps" }).click();
      await textOf(page, "[data-steps]", /After 11 steps .* mean 3\.0000 and variance 3\.6429/);
      const weight = (1 - Math.fround(0.9) ** 11) / (1 - Math.fround(0.9));
      expect(await page.locator(".averages tbody tr:last-child td:nth-child(6)").textContent()).toBe(weight.toFixed(4));
    }));
});
