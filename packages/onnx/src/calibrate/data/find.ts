import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import type { BnError } from "@bn/core";
import { dataError } from "../../graph/errors.ts";

const HOLDS_DATA = /\.np[yz]$/;
const IS_GLOB = /[*?]/;

/**
 * The .npy and .npz files that `paths` name, each once, in the order of their paths. A path is a file, a folder (for
 * the files in it, not below it) or a glob of either, with `*` and `?` within a name.
 *
 * Errors: `ERR_BN_DATA` if a path does not exist, if a folder or glob has no such file, or if a file is of another
 * kind.
 */
export async function findFiles(paths: readonly string[]): Promise<readonly string[]> {
  const found = new Map<string, string>();
  for (const path of paths) for (const file of await filesAt(path)) found.set(resolve(file), file);
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
}

async function filesAt(path: string): Promise<string[]> {
  const info = await stat(path).catch(() => null);
  if (info?.isDirectory()) return inFolder(path);
  if (info === null && IS_GLOB.test(path)) {
    const matches = await expand(path);
    if (matches.length === 0) throw bad(path, "matches no file; name .npy or .npz files, or a folder of them");
    const found: string[] = [];
    for (const match of matches) {
      const isFolder = (await stat(match)).isDirectory();
      if (isFolder) found.push(...(await inFolder(match)));
      else if (HOLDS_DATA.test(match)) found.push(match);
    }
    if (found.length === 0) throw bad(path, `matches ${matches.length} files, and none is .npy or .npz`);
    return found;
  }
  if (info === null) throw bad(path, "does not exist; name .npy or .npz files, folders, or globs of them");
  if (!HOLDS_DATA.test(path)) throw bad(path, "is not a .npy or .npz file; save the data with numpy.save");
  return [path];
}

async function inFolder(path: string): Promise<string[]> {
  const names = (await readdir(path)).filter((name) => HOLDS_DATA.test(name));
  if (names.length === 0) throw bad(path, "is a folder without .npy or .npz files; name one that has some");
  return names.map((name) => join(path, name));
}

/** The files that a glob matches, one part of the path at a time. */
async function expand(path: string): Promise<string[]> {
  const parent = dirname(path);
  const parents = IS_GLOB.test(parent) ? await expand(parent) : [parent];
  const name = basename(path);
  const matches: string[] = [];
  for (const folder of parents) {
    const names = await readdir(folder).catch(() => []);
    for (const one of names) {
      if (!matchesName(name, one)) continue;
      matches.push(folder === "." && !path.startsWith(`.${sep}`) ? one : join(folder, one));
    }
  }
  return matches;
}

function matchesName(glob: string, name: string): boolean {
  if (name.startsWith(".") && !glob.startsWith(".")) return false;
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s").test(name);
}

function bad(path: string, what: string): BnError {
  return dataError(`${path}: ${what}`);
}
