import { existsSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build, preview } from "vite";
import { HERE } from "./versions.ts";

export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

export const DIST: string = join(HERE, "dist");

let built: Promise<void> | null = null;

/** Builds the page once for all tests of a process. */
export function buildOnce(): Promise<void> {
  process.env.NODE_ENV = "production"; // vitest sets "test", which would build another page
  built ??= build({ root: HERE, logLevel: "error" }).then(() => {
    if (!existsSync(join(DIST, "index.html"))) throw new Error("the build wrote no index.html");
  });
  return built;
}

/** Serves the built page below a folder, as a static host does: without headers, or with those that isolate it. */
export async function serveBuilt(headers: Readonly<Record<string, string>> = {}): Promise<Site> {
  const server = await preview({ root: HERE, logLevel: "error", preview: { port: 0, host: "127.0.0.1", headers } });
  const address = server.httpServer.address() as AddressInfo;
  return { url: `http://127.0.0.1:${address.port}/`, close: () => server.close() };
}
