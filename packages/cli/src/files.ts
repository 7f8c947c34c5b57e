import { access, constants, copyFile, link, open, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { bad, dataError } from "./errors.ts";

/** The options of commands with a report. */
export interface ReportOptions {
  readonly json?: string;
  readonly html?: string;
  readonly force?: boolean;
}

/** The files that a command may write, by their names in messages; undefined if the user did not ask for one. */
type Paths = Readonly<Record<string, string | undefined>>;
/** The files that it reads. */
type Sources = readonly (string | undefined)[];

/** The outputs of a command, which were checked before its work. */
export interface Outputs {
  /** The stream for the command's text: standard error if standard output takes a file. */
  readonly text: NodeJS.WriteStream;
  /** Writes the files that the user asked for, all or none. Errors: those of `writeAll`. */
  write(contents: Readonly<Record<string, () => OutputFile["content"] | undefined>>): Promise<void>;
}

/**
 * Checks the outputs of a command before a long run, and not after it: each can be written, does not exist unless `force`
 * is true, and is neither another output nor one of `sources`. `-` is standard output.
 *
 * Errors: `ERR_BN_PARAM`.
 */
export async function openOutputs(paths: Paths, force = false, sources: Sources = []): Promise<Outputs> {
  await checkApart(paths, sources);
  const given = Object.entries(paths).flatMap(([name, path]) => (path === undefined ? [] : [{ name, path }]));
  for (const { name, path } of given) await checkWritable(name, path, force);
  return {
    text: given.some(({ path }) => path === "-") ? process.stderr : process.stdout,
    async write(contents) {
      const files = given.map(({ name, path }) => ({ path, content: contents[name]?.() }));
      await writeAll(
        files.filter((file): file is OutputFile => file.content !== undefined),
        force,
      );
    },
  };
}

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
    for (const one of staged) await place(one, force, staged.length > 1).catch((cause: Error) => fail(one.path, cause));
  } catch (error) {
    for (const one of staged.toReversed()) await takeBack(one);
    throw error;
  }
  for (const { kept } of staged) await rm(kept, { force: true });
  for (const { path, content } of streams) {
    if (path === "-") process.stdout.write(content);
    else await writeFile(path, content).catch((cause: Error) => fail(path, cause));
  }
}

async function place(one: Staged, force: boolean, keep: boolean): Promise<void> {
  const { target, temporary, kept } = one;
  if (force) {
    if (keep) await keepFormer(target, kept);
    await rename(temporary, target);
  } else {
    await claim(temporary, target);
  }
  one.placed = true;
  await rm(temporary, { force: true });
}

/** Renames a file, but never replaces another: it fails if the target was created in the meantime. */
async function claim(temporary: string, target: string): Promise<void> {
  try {
    await link(temporary, target);
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw error;
    // The file system has no hard links: an empty file takes the name first.
    await (await open(target, "wx")).close();
    await rename(temporary, target).catch(async (cause: Error) => {
      await rm(target, { force: true });
      throw cause;
    });
  }
}

/** Keeps the former file, if there is one: by a second name, or else by a copy. */
async function keepFormer(target: string, kept: string): Promise<void> {
  await link(target, kept)
    .catch(() => copyFile(target, kept, constants.COPYFILE_EXCL))
    .catch((cause: Error) => {
      if (codeOf(cause) !== "ENOENT") throw cause;
    });
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

async function takeBack({ target, temporary, kept, placed }: Staged): Promise<void> {
  await rm(temporary, { force: true });
  const before = await stat(kept).catch(() => null);
  if (before) await rename(kept, target);
  else if (placed) await rm(target, { force: true });
}

function fail(path: string, cause: Error): never {
  throw dataError(`cannot write ${path}: ${cause.message}`, cause);
}

/** Errors: `ERR_BN_PARAM` if `path` cannot be written, or if it is a file and `force` is false. */
async function checkWritable(option: string, path: string, force: boolean): Promise<void> {
  if (path === "-") return;
  const fail = (why: string) => bad(`${option} ${path}: ${why}`);
  const folder = dirname(resolve(path));
  try {
    await access(folder, constants.W_OK);
  } catch (error) {
    const missing = codeOf(error) === "ENOENT";
    throw fail(missing ? `the folder ${folder} does not exist; create it first` : `cannot write in ${folder}`);
  }
  const there = await stat(path).catch(() => null);
  if (there?.isDirectory()) throw fail("this is a folder; give the name of a file in it");
  if (there?.isFile() && !force) throw fail("the file exists already; --force replaces it");
}

/** Errors: `ERR_BN_PARAM` if two outputs are the same file, or if an output is an input. */
export async function checkApart(outputs: Paths, sources: Sources): Promise<void> {
  const place = async (path: string) => realpath(path).catch(() => resolve(path));
  const read = new Set(await Promise.all(sources.filter((source) => source !== undefined).map(place)));
  const taken = new Map<string, string>();
  for (const [name, path] of Object.entries(outputs)) {
    if (path === undefined) continue;
    const at = path === "-" ? path : await place(path);
    const regular = path === "-" || (await stat(at).catch(() => null))?.isFile() !== false;
    const title = `${name} ${path}`;
    if (path !== "-" && read.has(at)) {
      throw bad(`${title}: this is one of the files to read; choose another output file`);
    }
    const other = taken.get(at);
    if (other !== undefined && regular) {
      const why = path === "-" ? "both name standard output" : "are the same file";
      throw bad(`${other} and ${title} ${why}; write one of them to another file`);
    }
    taken.set(at, title);
  }
}
