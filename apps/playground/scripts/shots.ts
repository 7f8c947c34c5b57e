import type { launchBrowser } from "@bn/gpu-setup";

export type Page = Awaited<ReturnType<Awaited<ReturnType<typeof launchBrowser>>["newPage"]>>;

export interface Shot {
  readonly name: string;
  readonly hash: string;
  /** Operates the panel until its results are visible. */
  readonly use: (page: Page) => Promise<void>;
  /** The height of the picture in the README; absent if it has none. */
  readonly readme?: number;
}

const click = (page: Page, name: RegExp) => page.getByRole("button", { name }).click();

export const SHOTS: readonly Shot[] = [
  { name: "home", hash: "#/", use: (page) => page.locator(".facts").waitFor() },
  {
    name: "conformance",
    hash: "#/conformance?filter=scale_",
    readme: 900,
    use: async (page) => {
      await click(page, /^Run these cases/);
      await page.locator('.verdict:not([data-verdict="running"])').waitFor({ timeout: 180_000 });
    },
  },
  {
    name: "derivation",
    hash: "#/derivation",
    readme: 900,
    use: async (page) => {
      await page.getByLabel("each batch a little different").uncheck();
      await click(page, /^Ten steps/);
      await page.locator('[data-steps="10"]').waitFor();
      await page.evaluate(() => scrollTo(0, 0));
      await page.mouse.move(0, 0); // a term under the pointer would be highlighted
    },
  },
  {
    name: "precision",
    hash: "#/precision",
    readme: 900,
    use: (page) => page.getByText("Measured at 29 ratios").waitFor({ timeout: 120_000 }),
  },
  {
    name: "model",
    hash: "#/model",
    use: async (page) => {
      await click(page, /yoloface/);
      await click(page, /^Verify this model/);
      await page.getByText("46 passed").waitFor({ timeout: 120_000 });
    },
  },
  {
    name: "mistakes",
    hash: "#/model",
    use: async (page) => {
      await click(page, /with mistakes/);
      await page.locator("[data-layers]").waitFor();
    },
  },
  {
    name: "speed",
    hash: "#/speed",
    use: async (page) => {
      await page.getByLabel(/^shape/).fill("4x16x8x8");
      await click(page, /^Measure this shape/);
      await page.getByText("Done. Other").waitFor({ timeout: 120_000 });
    },
  },
];
