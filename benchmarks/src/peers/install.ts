import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

const folder = fileURLToPath(new URL("../../peers/", import.meta.url));

/** Installs the peers once, into a folder of their own, so that the workspace's install stays small. */
export function installPeers(): void {
  const { dependencies } = JSON.parse(readFileSync(`${folder}package.json`, "utf8")) as { dependencies: object };
  if (Object.keys(dependencies).every((name) => existsSync(`${folder}node_modules/${name}/package.json`))) return;
  process.stderr.write("Installing the peers, once ...\n");
  const args = ["install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--silent"];
  const { status } = spawnSync("npm", args, { cwd: folder, stdio: "inherit" });
  if (status !== 0)
    throw new Error("npm could not install the other libraries; run `pnpm bench --peers none` without them");
}

const require = createRequire(`${folder}package.json`);

/** Imports a peer's module from that folder. */
export async function importPeer<T>(specifier: string): Promise<T> {
  const module = await import(pathToFileURL(require.resolve(specifier)).href);
  return (module.default ?? module) as T;
}

export function resolvePeer(specifier: string): string {
  return require.resolve(specifier);
}
