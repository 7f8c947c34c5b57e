import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { manifestOf } from "./tree.ts";

/** The bytes of the files in a folder, without the node_modules inside it. */
export function folderSize(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += entry.name === "node_modules" ? 0 : folderSize(path);
    else bytes += statSync(path).size;
  }
  return bytes;
}

/** The disk space of one package that is installed in `cwd`: its own, and including its dependencies. */
export function installedSizes(cwd: string, name: string): { readonly own: number; readonly total: number } {
  const folders = new Set<string>();
  const visit = (from: string, dependency: string) => {
    const folder = resolved(from, dependency);
    if (folders.has(folder)) return;
    folders.add(folder);
    for (const next of Object.keys(manifestOf(folder).dependencies ?? {})) visit(folder, next);
  };
  visit(cwd, name);
  const sizes = [...folders].map(folderSize);
  return { own: sizes[0] ?? 0, total: sizes.reduce((a, b) => a + b, 0) };
}

function resolved(from: string, name: string): string {
  for (let at = from; at !== dirname(at); at = dirname(at)) {
    const folder = join(at, "node_modules", name);
    if (existsSync(folder)) return realpathSync(folder);
  }
  throw new Error(`${name}, a dependency of ${from}, is not installed`);
}
