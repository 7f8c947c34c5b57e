import { access, constants, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { BnError } from "@bn/core";

/** A reader that went away (`bn ... | head`) is no error: what is left to say is said to nobody. */
export function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}

/** NO_COLOR and FORCE_COLOR as no-color.org and Node have them; otherwise colours on a terminal alone. */
export function colorOn(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== "0";
  return stream.isTTY === true && env.TERM !== "dumb";
}

/** Fails before a long run, not after it, where `path` cannot be written. `-` is standard output. */
export async function checkWritable(option: string, path: string): Promise<void> {
  if (path === "-") return;
  const fail = (why: string) => new BnError("ERR_BN_PARAM", `${option} ${path}: ${why}`);
  const folder = dirname(resolve(path));
  try {
    await access(folder, constants.W_OK);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw fail(missing ? `there is no folder ${folder}; make it first` : `cannot write in ${folder}`);
  }
  const there = await stat(path).catch(() => null);
  if (there?.isDirectory()) throw fail("it is a folder; name a file in it");
}

/** Writes `content` to a temporary name beside `path`, then renames: nobody reads half a report. `-` is standard output. */
export async function writeReport(path: string, content: string | Uint8Array): Promise<void> {
  if (path === "-") {
    process.stdout.write(content);
    return;
  }
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new BnError("ERR_BN_DATA", `cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Names come from a file: what would steer a terminal is shown as U+FFFD. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "\u{fffd}");
}
