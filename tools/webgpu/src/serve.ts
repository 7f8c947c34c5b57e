import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize, sep } from "node:path";
import { importMapOf } from "./import-map.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/** The headers that isolate a page, so that it may share memory between threads. */
export const ISOLATED: Readonly<Record<string, string>> = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export interface Site {
  /** The URL of the page, ending in a slash. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves one page on a port of this machine. An import map resolves `import("@bn/core")` and similar names to built
 * packages. `roots` are folders of packages; their dependencies are included. `headers` are sent with every answer.
 * `body` is HTML after the import map; `post` gets what the page posts.
 */
export async function serve(
  roots: readonly string[],
  headers: Readonly<Record<string, string>>,
  body = "",
  post: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.writeHead(404).end(),
): Promise<Site> {
  const { folders, imports } = importMapOf(roots);
  const html = `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script>${body}`;

  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const name = [...folders.keys()].find((one) => path.startsWith(`/${one}/`)) ?? "";
    const folder = folders.get(name) ?? "";
    const file = join(folder, normalize(path.slice(name.length + 2)));
    for (const [header, value] of Object.entries(headers)) response.setHeader(header, value);
    if (request.method === "POST") {
      post(request, response);
    } else if (path === "/") {
      response.setHeader("Content-Type", "text/html").end(html);
    } else if (name !== "" && file.startsWith(folder + sep) && existsSync(file) && statSync(file).isFile()) {
      response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream").end(readFileSync(file));
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
