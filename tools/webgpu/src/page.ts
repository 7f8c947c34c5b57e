import type { Browser, Page } from "playwright-core";
import { ISOLATED, serve } from "./serve.ts";

export interface OpenPage {
  readonly page: Page;
  close(): Promise<void>;
}

/**
 * Opens a page on which an import map resolves `import("@bn/core")` and similar names to built packages, without a
 * bundler. `roots` are folders of packages; their dependencies are included. `headers` are sent with every answer; by
 * default the page is isolated.
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
