import type { Browser, Page } from "playwright-core";
import { ISOLATED, serve } from "./serve.ts";

export interface OpenPage {
  readonly page: Page;
  close(): Promise<void>;
}

/**
 * A page on which `import("@bn/core")` and the like find built packages as they are, by an import map: no bundler.
 * `roots` are folders of packages, which bring what they depend on. `headers` go with every answer; by default the page is isolated.
 */
export async function openPage(
  browser: Browser,
  roots: readonly string[],
  headers: Readonly<Record<string, string>> = ISOLATED,
): Promise<OpenPage> {
  const site = await serve(roots, headers);
  const page = await browser.newPage();
  await page.goto(site.url);
  return {
    page,
    async close() {
      await page.close();
      await site.close();
    },
  };
}
