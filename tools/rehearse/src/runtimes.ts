import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "./processes.ts";
import { CACHE, type Site } from "./site.ts";

/** The Nodes that published code is promised to run on (docs/support.md). */
const VERSIONS = ["20.20.2", "22.23.3", "24.21.0"];

export interface Runtime {
  readonly version: string;
  /** Path of the executable. */
  readonly node: string;
}

/** Node in each version, from the npm package that holds nothing but its executable for this platform. */
export async function runtimes({ uplink }: Pick<Site, "uplink">): Promise<Runtime[]> {
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const found: Runtime[] = [];
  for (const version of VERSIONS) {
    const prefix = join(CACHE, `node-${version}`);
    const node = join(prefix, "node_modules", name, "bin/node");
    if (!existsSync(node)) {
      mkdirSync(prefix, { recursive: true });
      const env = { npm_config_registry: uplink, npm_config_cache: join(CACHE, "npm") };
      await run("npm", ["install", "--no-audit", "--no-fund", "--prefix", prefix, `${name}@${version}`], {
        cwd: prefix,
        env,
        seconds: 240,
      });
    }
    found.push({ version, node });
  }
  return found;
}
