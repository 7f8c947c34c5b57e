import { readFile, rm, stat } from "node:fs/promises";
import { BnError, type Communicator } from "@bn/core";
import { type CalibrationPart, type CalibrationProgress, decodePart, encodePart } from "@bn/onnx/calibrate";
import { checkApart, openOutputs, writeAll } from "./files.ts";
import { createProgress } from "./progress.ts";

const MS_BETWEEN = 5000;

/** The file in which a run keeps what it has gathered, and the part that an interrupted run left there. */
export interface RunState {
  /** null if nothing is kept. */
  readonly path: string | null;
  readonly from: CalibrationPart | null;
  /** True for every rank but the first, so that only one prints. */
  readonly quiet: boolean;
}

/**
 * Opens the state next to `OUT`, `OUT.resume`, or the file of `--resume`, which is none of `others` and `sources`. Several ranks have one each,
 * `OUT.resume.RANK`. Ranks in mode exact keep none, because ranks that were interrupted at different levels could not
 * continue together. Errors: `ERR_BN_DATA` if the file is not a state; `ERR_BN_PARAM` if it cannot be written.
 */
export async function openState(
  others: Readonly<Record<string, string | undefined>> & { readonly OUT: string },
  { resume, restart = false, mode }: { readonly resume?: string; readonly restart?: boolean; readonly mode?: string },
  ranks: Communicator | null,
  sources: readonly (string | undefined)[],
): Promise<RunState> {
  const quiet = ranks !== null && ranks.rank > 0;
  const beside = resume ?? ((await isRegular(others.OUT)) ? `${others.OUT}.resume` : null);
  if (beside === null || (ranks && mode === "exact")) return { path: null, from: null, quiet };
  const path = ranks ? `${beside}.${ranks.rank}` : beside;
  await checkApart({ ...others, "--resume": path }, sources);
  await openOutputs({ "--resume": path }, true);
  const text = restart ? null : await readFile(path, "utf8").catch(() => null);
  return { path, from: text === null ? null : decodePart(text, path), quiet };
}

/** Whether `out` is a file or does not exist yet. No state is kept for standard output, a pipe or a device. */
async function isRegular(out: string): Promise<boolean> {
  if (out === "-") return false;
  const there = await stat(out).catch(() => null);
  return there === null || there.isFile();
}

/** Where a run continues, and the callback for each batch. */
interface Going {
  readonly from: CalibrationPart | null;
  onBatch(progress: CalibrationProgress): Promise<void>;
}

/**
 * Runs `work` with progress on standard error. Its state is written every few seconds, and when it fails or is
 * interrupted; it is deleted at the end.
 */
export async function withState<T>({ path, from, quiet }: RunState, work: (going: Going) => Promise<T>): Promise<T> {
  const progress = createProgress(quiet ? { write() {} } : process.stderr, process.env);
  let latest: CalibrationProgress | null = null;
  let written = Number.NEGATIVE_INFINITY;
  const keep = async () => {
    written = performance.now();
    if (path !== null && latest !== null) await writeAll([{ path, content: encodePart(latest.part()) }], true);
  };
  if (from !== null && !quiet) process.stderr.write(`calibrate: continues from ${path}\n`);
  try {
    const result = await work({
      from,
      async onBatch(now) {
        if (latest === null) progress.start("calibrate", now.total);
        latest = now;
        progress.step(now.done, now.done === 1 ? "batch" : "batches");
        if (performance.now() - written > MS_BETWEEN) await keep();
      },
    });
    if (latest !== null) progress.end("done");
    if (path !== null) await rm(path, { force: true });
    return result;
  } catch (error) {
    progress.clear();
    await keep();
    if (path !== null && latest !== null && !quiet) process.stderr.write(keptText(latest, path));
    throw named(error, from, path);
  }
}

function keptText({ done, total }: CalibrationProgress, path: string): string {
  const of = total === null ? "" : ` of ${total}`;
  return `calibrate: ${done}${of} batches are saved in ${path}: the same command continues from there, --restart starts again\n`;
}

/** An error about the state, with its file name. */
function named(error: unknown, from: CalibrationPart | null, path: string | null): unknown {
  if (!(error instanceof BnError) || from === null || error.cause !== from) return error;
  const cure = "use the same options as before, or --restart to start again";
  return new BnError(error.code, `${path}: ${error.message}; ${cure}`, { cause: error });
}
