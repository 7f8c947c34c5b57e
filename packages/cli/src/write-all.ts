import { link, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { BnError } from "@bn/core";
import { writeReport } from "./output.ts";

/** A file to write; "-" is standard output. */
export interface OutputFile {
  readonly path: string;
  readonly content: string | Uint8Array;
}

/** A file that is written next to its destination, and the former file. */
interface Staged {
  readonly path: string;
  readonly target: string;
  readonly temporary: string;
  readonly kept: string;
  placed: boolean;
}

/**
 * Writes all files or none. All are first written next to their destinations, then each is renamed. If one cannot be
 * renamed, the former files are restored. Devices, pipes and standard output, which cannot be undone, come last.
 *
 * Errors: `ERR_BN_DATA` if a file cannot be written, or if one was created in the meantime and `force` is false.
 */
export async function writeAll(files: readonly OutputFile[], force: boolean): Promise<void> {
  const staged: Staged[] = [];
  const streams: OutputFile[] = [];
  try {
    for (const { path, content } of files) {
      const target = await realpath(path).catch(() => path);
      const there = await stat(target).catch(() => null);
      if (there?.isDirectory()) fail(path, new Error("it is a folder"));
      if (path === "-" || (there && !there.isFile())) {
        streams.push({ path, content });
        continue;
      }
      const own = `${target}.${process.pid}.${staged.length}`;
      staged.push({ path, target, temporary: `${own}.tmp`, kept: `${own}.old`, placed: false });
      await writeFile(`${own}.tmp`, content).catch((cause: Error) => fail(path, cause));
    }
    for (const one of staged) await place(one, force).catch((cause: Error) => fail(one.path, cause));
  } catch (error) {
    for (const one of staged.toReversed()) await takeBack(one);
    throw error;
  }
  for (const { kept } of staged) await rm(kept, { force: true });
  for (const { path, content } of streams) await writeReport(path, content);
}

async function place(one: Staged, force: boolean): Promise<void> {
  const { target, temporary, kept } = one;
  if (force) {
    await link(target, kept).catch(() => {}); // there may be no former file
    await rename(temporary, target);
  } else {
    await link(temporary, target); // fails if a file was created in the meantime
    await rm(temporary);
  }
  one.placed = true;
}

async function takeBack({ target, temporary, kept, placed }: Staged): Promise<void> {
  await rm(temporary, { force: true });
  const before = await stat(kept).catch(() => null);
  if (before) await rename(kept, target);
  else if (placed) await rm(target, { force: true });
}

function fail(path: string, cause: Error): never {
  throw new BnError("ERR_BN_DATA", `cannot write ${path}: ${cause.message}`, { cause });
}

/** Errors: `ERR_BN_PARAM` if two outputs are the same file, or if an output is an input. */
export async function checkApart(
  outputs: Readonly<Record<string, string | undefined>>,
  sources: readonly string[],
): Promise<void> {
  const place = async (path: string) => realpath(path).catch(() => resolve(path));
  const read = new Set(await Promise.all(sources.map(place)));
  const taken = new Map<string, string>();
  for (const [name, path] of Object.entries(outputs)) {
    if (path === undefined) continue;
    const at = path === "-" ? path : await place(path);
    const regular = path === "-" || (await stat(at).catch(() => null))?.isFile() !== false;
    const title = `${name} ${path}`;
    if (path !== "-" && read.has(at)) {
      throw new BnError("ERR_BN_PARAM", `${title}: this is one of the files to read; choose another output file`);
    }
    const other = taken.get(at);
    if (other !== undefined && regular) {
      throw new BnError("ERR_BN_PARAM", `${other} and ${title} are the same file; write one of them to another file`);
    }
    taken.set(at, title);
  }
}
