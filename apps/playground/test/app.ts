import type { launchBrowser } from "@bn/gpu-setup";
import { expect } from "vitest";

type Browser = Awaited<ReturnType<typeof launchBrowser>>;
export type Page = Awaited<ReturnType<Browser["newPage"]>>;

export interface AppOptions {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: "light" | "dark";
  /** Script that runs before the page's own. */
  readonly before?: () => void;
  /** Code that is inserted before every worker's own, e.g. to remove WebGPU. */
  readonly inWorkers?: string;
  /** Files by their path that replace those of the build. */
  readonly serve?: Readonly<Record<string, string>>;
}

/** Opens a page at `hash`. Fails at its end if the console had an error, a request failed or an error was thrown. */
export async function withApp(
  browser: Browser,
  url: string,
  hash: string,
  use: (page: Page) => Promise<void>,
  { width = 1280, height = 900, scheme = "light", before, inWorkers, serve = {} }: AppOptions = {},
): Promise<void> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    reducedMotion: "reduce",
    acceptDownloads: true,
    serviceWorkers: inWorkers === undefined && Object.keys(serve).length === 0 ? "allow" : "block",
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`thrown: ${error.message}`));
  page.on("requestfailed", (request) => {
    if (request.failure()?.errorText !== "net::ERR_ABORTED") complaints.push(`failed: ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`HTTP ${response.status()}: ${response.url()}`);
    if (!response.url().startsWith(url) && !/^(blob|data):/.test(response.url()))
      complaints.push(`elsewhere: ${response.url()}`);
  });
  for (const [path, body] of Object.entries(serve)) await page.route(url + path, (route) => route.fulfill({ body }));
  if (before) await page.addInitScript(before);
  if (inWorkers !== undefined) {
    await page.route(/worker-[^/]*\.js$/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `${inWorkers}\n${await response.text()}` });
    });
  }
  try {
    await page.goto(url + hash);
    await use(page);
    expect(complaints).toEqual([]);
  } finally {
    await context.close();
  }
}

/** The text of the first element, once it matches. */
export async function textOf(page: Page, selector: string, pattern: RegExp, timeout = 60_000): Promise<string> {
  const found = page.locator(selector).filter({ hasText: pattern }).first();
  await found.waitFor({ timeout });
  return (await found.textContent()) ?? "";
}
