import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { softwareDriver } from "@bn/gpu-setup";
import { run } from "./processes.ts";
import type { Registry } from "./registry.ts";
import type { PublicPackage } from "./tree.ts";

/** Files that are kept between rehearsals: npm's downloads, and the runtimes. */
export const CACHE = fileURLToPath(new URL("../node_modules/.cache/bn-rehearse/", import.meta.url));

/** The place where consumers run: empty folders, a registry, and its packages. */
export interface Site {
  /** The copy that was published. */
  readonly tree: string;
  readonly packages: readonly PublicPackage[];
  /** The registry that this machine uses by default. */
  readonly uplink: string;
  /** A new folder with `files`, in which npm installs from the registry on loopback. */
  folder(name: string, files?: Readonly<Record<string, string>>): string;
}

export function createSite(
  folder: string,
  tree: string,
  packages: readonly PublicPackage[],
  uplink: string,
  registry: Registry,
): Site {
  return {
    tree,
    packages,
    uplink,
    folder(name, files = {}) {
      const cwd = join(folder, name);
      const all = { ".npmrc": registry.npmrc, "package.json": '{ "private": true, "type": "module" }\n', ...files };
      for (const [path, text] of Object.entries(all)) {
        mkdirSync(dirname(join(cwd, path)), { recursive: true });
        writeFileSync(join(cwd, path), text);
      }
      return cwd;
    },
  };
}

/**
 * Runs a command as a reader types it: `npm install @bn/core @bn/cpu`. WebGPU in Node always uses the software driver.
 */
export function type(cwd: string, command: string, seconds = 180): Promise<string> {
  const env = { npm_config_cache: join(CACHE, "npm"), VK_DRIVER_FILES: softwareDriver() };
  return run("bash", ["-euc", command], { cwd, seconds, env });
}

export async function install(cwd: string, ...specs: readonly string[]): Promise<void> {
  await type(cwd, `npm install ${specs.join(" ")}`);
}

export const everyPackage = ({ packages }: Site): string[] => packages.map(({ name }) => name);

/** Fails with all complaints at once. */
export function demand(complaints: readonly string[]): void {
  if (complaints.length > 0) throw new Error(complaints.join("\n"));
}
