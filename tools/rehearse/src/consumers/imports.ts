import { existsSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { FOR_TEST_RUNNERS } from "../roles.ts";
import { type Runtime, runtimes } from "../runtimes.ts";
import { demand, everyPackage, install, type Site, type } from "../site.ts";
import { installedSizes } from "../sizes.ts";
import { manifestOf } from "../tree.ts";

export interface Footprint {
  readonly name: string;
  /** The bytes of the package's own folder, and including all its dependencies. */
  readonly own: number;
  readonly total: number;
  /** The timed start: `import`, or a command of a package that has nothing to import. */
  readonly start: string;
  /** The median milliseconds in a new process; for a command, those of the whole process. */
  readonly startTime: number;
}

const BN = "node_modules/@bn/cli/dist/bin.js";

/**
 * Checks that every entry of every package can be imported on every runtime, that importing has no visible effect, and
 * that `bn` runs.
 */
export async function importEverything(site: Site): Promise<Footprint[]> {
  const entries = site.packages.flatMap((one) => one.entries).filter((entry) => !FOR_TEST_RUNNERS.has(entry));
  const cwd = site.folder("imports", { "import-all.mjs": importAll(entries) });
  await install(cwd, ...everyPackage(site));
  const found = await runtimes(site);
  const complaints = site.packages.flatMap(({ name }) => missingFiles(join(cwd, "node_modules", name)));
  for (const { name, run } of found) {
    const printed = await run(cwd, "import-all.mjs").catch((error: Error) => error.message);
    if (printed !== "") complaints.push(`${name}: ${printed}`);
  }
  demand(complaints);
  for (const { run } of found) {
    await run(cwd, BN, "conformance", "--backend", "cpu,wasm", "--filter", "kernels/*/2x3x5/*");
  }
  await type(cwd, "npx bn backends");

  const newest = found.findLast(({ name }) => name.startsWith("Node")) as Runtime;
  const footprints: Footprint[] = [];
  for (const { name, entries: own } of site.packages) {
    const time = own.includes(name) ? () => importTime(newest, name, cwd) : () => startTime(newest, cwd);
    const start = own.includes(name) ? "import" : "bn --version";
    footprints.push({ name, ...installedSizes(cwd, name), start, startTime: await median(time) });
  }
  return footprints;
}

/** Files that a manifest names and that do not exist. */
function missingFiles(folder: string): string[] {
  const { name, exports, bin = {} } = manifestOf(folder);
  const targets = (value: unknown): string[] =>
    typeof value === "string" ? [value] : Object.values(value as object).flatMap(targets);
  const missing = [...targets(exports), ...targets(bin)].filter((file) => !existsSync(join(folder, file)));
  return missing.map((file) => `${name}: ${file}, which package.json names, is missing`);
}

/**
 * Imports and requires one entry after another. Prints those that fail and the globals that they leave behind. Any
 * other output is an error.
 */
const importAll = (entries: readonly string[]) => `
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
for (const entry of ${JSON.stringify(entries)}) {
  const before = Object.keys(globalThis);
  try {
    const { length } = Object.keys(await import(entry));
    if (length === 0 || Object.keys(require(entry)).length < length) console.log(entry, "lacks exports");
  } catch (error) {
    console.log(entry, error.message);
  }
  const added = Object.keys(globalThis).filter((key) => !before.includes(key));
  if (added.length > 0) console.log(entry, "makes globals:", added);
}
`;

async function importTime({ run }: Runtime, name: string, cwd: string): Promise<number> {
  const module = `import-${name.replace(/\W+/g, "-")}.mjs`;
  const code = `const start = performance.now();\nawait import(${JSON.stringify(name)});\nconsole.log(performance.now() - start);\n`;
  writeFileSync(join(cwd, module), code);
  return Number(await run(cwd, module));
}

async function startTime({ run }: Runtime, cwd: string): Promise<number> {
  const start = performance.now();
  await run(cwd, BN, "--version");
  return performance.now() - start;
}

async function median(time: () => Promise<number>): Promise<number> {
  const times = [await time(), await time(), await time()];
  return times.sort((a, b) => a - b)[1] as number;
}

/** The machine on which import times were measured. */
export const machineText = (): string => `${cpus()[0]?.model.trim()}, ${cpus().length} processors`;
