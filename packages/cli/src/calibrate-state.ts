import { readFile, rm, stat } from "node:fs/promises";
import { BnError, type Communicator } from "@bn/core";
import { type CalibrationPart, type CalibrationProgress, decodePart, encodePart } from "@bn/onnx/calibrate";
import { checkWritable, writeReport } from "./output.ts";
import { createProgress } from "./progress.ts";

const MS_BETWEEN = 5000;

/** Where a run keeps what it has gathered, and what an interrupted one left there. */
export interface RunState {
  /** null: nothing is kept. */
  readonly path: string | null;
  readonly from: CalibrationPart | null;
  /** One of several ranks that is not the first says nothing. */
  readonly quiet: boolean;
}

/**
 * The state beside `out`, `OUT.resume`, or where `--resume` says; of several ranks one each, `OUT.resume.RANK`. Ranks in mode exact
 * keep none: interrupted in two levels, they could not go on together. Errors: `ERR_BN_DATA`: a file that is none of
 * ours; `ERR_BN_PARAM`: it cannot be written.
 */
export async function openState(
  out: string,
  { resume, restart = false, mode }: { readonly resume?: string; readonly restart?: boolean; readonly mode?: string },
  ranks: Communicator | null,
): Promise<RunState> {
  const quiet = ranks !== null && ranks.rank > 0;
  const beside = resume ?? ((await isRegular(out)) ? `${out}.resume` : null);
  if (beside === null || (ranks && mode === "exact")) return { path: null, from: null, quiet };
  const path = ranks ? `${beside}.${ranks.rank}` : beside;
  await checkWritable("--resume", path);
  const text = restart ? null : await readFile(path, "utf8").catch(() => null);
  return { path, from: text === null ? null : decodePart(text, path), quiet };
}

/** A file, or a name that is free: no state is kept for standard output, a pipe or a device. */
async function isRegular(out: string): Promise<boolean> {
  if (out === "-") return false;
  const there = await stat(out).catch(() => null);
  return there === null || there.isFile();
}

/** How a run continues, and who is informed of each batch. */
interface Going {
  readonly from: CalibrationPart | null;
  onBatch(progress: CalibrationProgress): Promise<void>;
}

/**
 * Runs `work` with progress on standard error. What it has gathered is kept every few seconds, and where it fails or is
 * interrupted; it is dropped at the end.
 */
export async function withState<T>({ path, from, quiet }: RunState, work: (going: Going) => Promise<T>): Promise<T> {
  const progress = createProgress(quiet ? { write() {} } : process.stderr, process.env);
  let latest: CalibrationProgress | null = null;
  let written = Number.NEGATIVE_INFINITY;
  const keep = async () => {
    written = performance.now();
    if (path !== null && latest !== null) await writeReport(path, encodePart(latest.part()));
  };
  if (from !== null && !quiet) process.stderr.write(`calibrate: goes on from ${path}\n`);
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
    throw from === null ? error : named(error, path);
  }
}

function keptText({ done, total }: CalibrationProgress, path: string): string {
  const of = total === null ? "" : ` of ${total}`;
  return `calibrate: ${done}${of} batches are kept in ${path}: the same command goes on there, --restart begins again\n`;
}

/** What is wrong with the state, by its file. */
function named(error: unknown, path: string | null): unknown {
  if (!(error instanceof BnError) || !/^the run to go on from/.test(error.message)) return error;
  return new BnError(error.code, `${path}: ${error.message}; give the former options, or --restart to begin again`);
}
