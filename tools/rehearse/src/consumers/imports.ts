import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { run } from "../processes.ts";
import { FOR_TEST_RUNNERS } from "../roles.ts";
import { type Runtime, runtimes } from "../runtimes.ts";
import { demand, everyPackage, install, type Site, type } from "../site.ts";
import { installedSizes } from "../sizes.ts";
import { manifestOf } from "../tree.ts";

export interface Footprint {
  readonly name: string;
  /** Bytes of the package's own folder, and with everything that it depends on. */
  readonly own: number;
  readonly total: number;
  /** What was timed: `import`, or a command of a package with nothing to import. */
  readonly start: string;
  /** Its median milliseconds in a fresh process; of a command, those of the whole process. */
  readonly startTime: number;
}

/** Every entry of every package imports on every Node, does nothing visible by being imported, and `bn` runs. */
export async function importEverything(site: Site): Promise<Footprint[]> {
  const cwd = site.folder("imports");
  await install(cwd, ...everyPackage(site));
  const nodes = await runtimes(site);
  const entries = site.packages.flatMap((one) => one.entries).filter((entry) => !FOR_TEST_RUNNERS.has(entry));
  const complaints = site.packages.flatMap(({ name }) => missingFiles(join(cwd, "node_modules", name)));
  for (const { version, node } of nodes) {
    const printed = await evaluate(node, importAll(entries), cwd).catch((error: Error) => error.message);
    if (printed !== "") complaints.push(`Node ${version}: ${printed}`);
  }
  demand(complaints);
  for (const { node } of nodes) {
    await run(node, ["node_modules/.bin/bn", "conformance", "--backend", "cpu", "--filter", "kernels/*/2x3x5/*"], {
      cwd,
    });
  }
  await type(cwd, "npx bn backends");

  const newest = nodes.at(-1) as Runtime;
  const footprints: Footprint[] = [];
  for (const { name, entries: own } of site.packages) {
    const [command] = Object.keys(manifestOf(join(cwd, "node_modules", name)).bin ?? {});
    const time = own.includes(name)
      ? () => importTime(newest.node, name, cwd)
      : () => processTime(newest.node, command, cwd);
    const start = own.includes(name) ? "import" : `${command} --version`;
    footprints.push({ name, ...installedSizes(cwd, name), start, startTime: await median(time) });
  }
  return footprints;
}

/** Files that a manifest names and that are not there. */
function missingFiles(folder: string): string[] {
  const { name, exports, bin = {} } = manifestOf(folder);
  const targets = (value: unknown): string[] =>
    typeof value === "string" ? [value] : Object.values(value as object).flatMap(targets);
  const missing = [...targets(exports), ...targets(bin)].filter((file) => !existsSync(join(folder, file)));
  return missing.map((file) => `${name}: ${file}, which package.json names, is missing`);
}

/** Imports one after another; prints what fails and what leaves a global behind. Whatever else is printed is too much. */
const importAll = (entries: readonly string[]) => `
for (const entry of ${JSON.stringify(entries)}) {
  const before = Object.keys(globalThis);
  await import(entry).catch((error) => console.log(entry, error.message));
  const added = Object.keys(globalThis).filter((key) => !before.includes(key));
  if (added.length > 0) console.log(entry, "makes globals:", added);
}`;

function evaluate(node: string, code: string, cwd: string): Promise<string> {
  return run(node, ["--input-type=module", "--eval", code], { cwd, seconds: 30 });
}

async function importTime(node: string, name: string, cwd: string): Promise<number> {
  const code = `const start = performance.now(); await import(${JSON.stringify(name)}); console.log(performance.now() - start);`;
  return Number(await evaluate(node, code, cwd));
}

async function processTime(node: string, command: string | undefined, cwd: string): Promise<number> {
  const start = performance.now();
  await run(node, [`node_modules/.bin/${command}`, "--version"], { cwd });
  return performance.now() - start;
}

async function median(time: () => Promise<number>): Promise<number> {
  const times = [await time(), await time(), await time()];
  return times.sort((a, b) => a - b)[1] as number;
}

/** What import times were measured on. */
export const machineText = (): string => `${cpus()[0]?.model.trim()}, ${cpus().length} processors`;
