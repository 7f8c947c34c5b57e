import { access, constants, link, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { BnError } from "@bn/core";

/**
 * A reader that has ended (`bn ... | head`) is not an error: further output is dropped. A stream that cannot be written
 * (a full disk) is one: `onError` gets the reason.
 */
export function watchStreams(onError: (message: string) => void): void {
  for (const [name, stream] of [
    ["output", process.stdout],
    ["error", process.stderr],
  ] as const) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") onError(`cannot write to standard ${name}: ${error.message}`);
    });
  }
}

/** Follows NO_COLOR and FORCE_COLOR as no-color.org and Node define them; otherwise uses colours only on a terminal. */
export function colorOn(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== "0";
  return stream.isTTY === true && env.TERM !== "dumb";
}

/**
 * Fails before a long run, and not after it, if `path` cannot be written, or if it exists and `force` is false. `-` is
 * standard output; devices and pipes are written directly.
 */
export async function checkWritable(option: string, path: string, force = true): Promise<void> {
  if (path === "-") return;
  const fail = (why: string) => new BnError("ERR_BN_PARAM", `${option} ${path}: ${why}`);
  const folder = dirname(resolve(path));
  try {
    await access(folder, constants.W_OK);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw fail(missing ? `the folder ${folder} does not exist; create it first` : `cannot write in ${folder}`);
  }
  const there = await stat(path).catch(() => null);
  if (there?.isDirectory()) throw fail("this is a folder; give the name of a file in it");
  if (there?.isFile() && !force) throw fail("the file exists already; --force replaces it");
}

/**
 * Writes `content` to a temporary file next to `path`, then renames it, so that nobody reads half a report. `-` is
 * standard output.
 */
export async function writeReport(path: string, content: string | Uint8Array, force = true): Promise<void> {
  if (path === "-") {
    process.stdout.write(content);
    return;
  }
  // Links are kept. A device or a pipe cannot be replaced by renaming.
  const target = await realpath(path).catch(() => path);
  const there = await stat(target).catch(() => null);
  const temporary = there && !there.isFile() ? target : `${target}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, content);
    if (temporary === target) return;
    // A file that was created during the run must not be lost: `link` fails, while `rename` would replace it.
    if (force) await rename(temporary, target);
    else {
      await link(temporary, target);
      await rm(temporary);
    }
  } catch (error) {
    if (temporary !== target) await rm(temporary, { force: true });
    throw new BnError("ERR_BN_DATA", `cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Names come from a file. Characters that control a terminal are shown as U+FFFD. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "\u{fffd}");
}

/** Errors: `ERR_BN_PARAM` if two outputs are standard output. */
export function checkOneStream(outputs: Readonly<Record<string, string | undefined>>): void {
  const [first, second] = Object.entries(outputs).flatMap(([option, path]) => (path === "-" ? [option] : []));
  if (second === undefined) return;
  throw new BnError(
    "ERR_BN_PARAM",
    `${first} - and ${second} - both name standard output; write one of them to a file`,
  );
}
