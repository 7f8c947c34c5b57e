import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize, sep } from "node:path";
import type { Browser, Page } from "playwright-core";
import { importMapOf } from "./import-map.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** What makes a page isolated, so that it may share memory between threads. */
const ISOLATED: Readonly<Record<string, string>> = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

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
  const { folders, imports } = importMapOf(roots);
  const html = `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script>`;

  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const name = [...folders.keys()].find((one) => path.startsWith(`/${one}/`)) ?? "";
    const folder = folders.get(name) ?? "";
    const file = join(folder, normalize(path.slice(name.length + 2)));
    for (const [header, value] of Object.entries(headers)) response.setHeader(header, value);
    if (path === "/") {
      response.setHeader("Content-Type", "text/html").end(html);
    } else if (name !== "" && file.startsWith(folder + sep) && existsSync(file) && statSync(file).isFile()) {
      response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream").end(readFileSync(file));
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return {
    page,
    async close() {
      await page.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
