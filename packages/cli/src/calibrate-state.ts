import { readFile, rm, stat } from "node:fs/promises";
import { BnError } from "@bn/core";
import { type CalibrationPart, type CalibrationProgress, decodePart, encodePart } from "@bn/onnx/calibrate";
import { checkWritable, writeReport } from "./output.ts";
import { createProgress } from "./progress.ts";

const MS_BETWEEN = 5000;

/** Where a run keeps what it has gathered, and what an interrupted one left there. */
export interface RunState {
  /** null: nothing is kept. */
  readonly path: string | null;
  readonly from: CalibrationPart | null;
}

/**
 * The state beside `out`, `OUT.resume`, or where `given` says. Errors: `ERR_BN_DATA`: a file that is none of ours;
 * `ERR_BN_PARAM`: it cannot be written.
 */
export async function openState(out: string, given: string | undefined, restart: boolean): Promise<RunState> {
  const path = given ?? ((await isRegular(out)) ? `${out}.resume` : null);
  if (path === null) return { path, from: null };
  await checkWritable("--resume", path);
  const text = restart ? null : await readFile(path, "utf8").catch(() => null);
  return { path, from: text === null ? null : decodePart(text, path) };
}

/** A file, or a name that is free: nothing is kept beside standard output, a pipe or a device. */
async function isRegular(out: string): Promise<boolean> {
  if (out === "-") return false;
  const there = await stat(out).catch(() => null);
  return there === null || there.isFile();
}

/** How a run goes on, and whom it tells of each batch. */
interface Going {
  readonly from: CalibrationPart | null;
  onBatch(progress: CalibrationProgress): Promise<void>;
}

/**
 * Runs `work` with progress on standard error. What it has gathered is kept every few seconds, and where it fails or is
 * interrupted; it is dropped at the end.
 */
export async function withState<T>({ path, from }: RunState, work: (going: Going) => Promise<T>): Promise<T> {
  const progress = createProgress(process.stderr, process.env);
  let latest: CalibrationProgress | null = null;
  let written = Number.NEGATIVE_INFINITY;
  const keep = async () => {
    written = performance.now();
    if (path !== null && latest !== null) await writeReport(path, encodePart(latest.part()));
  };
  if (from !== null) process.stderr.write(`calibrate: goes on from ${path}\n`);
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
    if (path !== null && latest !== null) process.stderr.write(keptText(latest, path));
    throw from === null ? error : named(error, path);
  }
}

function keptText({ done, total }: CalibrationProgress, path: string): string {
  const of = total === null ? "" : ` of ${total}`;
  return `calibrate: ${done}${of} batches are kept in ${path}: the same command goes on there, --restart begins anew\n`;
}

/** What is wrong with the state, by its file. */
function named(error: unknown, path: string | null): unknown {
  if (!(error instanceof BnError) || !/^the run to go on from/.test(error.message)) return error;
  return new BnError(error.code, `${path}: ${error.message}; give the former options, or --restart to begin anew`);
}
