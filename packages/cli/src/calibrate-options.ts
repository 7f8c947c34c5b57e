import { BnError } from "@bn/core";
import type { CalibrationMode, Shard } from "@bn/onnx/calibrate";
import type { RuntimeOptions } from "@bn/onnx/verify";
import { checkOneStream, checkWritable } from "./output.ts";

export interface CalibrateCommandOptions {
  readonly data?: readonly string[];
  readonly merge?: readonly string[];
  readonly shard?: string;
  readonly partial?: string;
  readonly batch?: string;
  readonly input?: string;
  readonly mode?: string;
  readonly nodes?: string;
  readonly resume?: string;
  readonly restart?: boolean;
  readonly mpi?: boolean;
  readonly net?: string;
  readonly dialect?: string;
  readonly shape?: readonly string[];
  readonly stage?: readonly string[];
  readonly threads?: string;
  readonly timeout?: string;
  readonly maxMemory?: string;
  readonly json?: string;
  readonly html?: string;
  readonly force?: boolean;
}

/** The kind of work that a call of `bn calibrate` does. */
export type Work =
  | { readonly kind: "run"; readonly out: string; readonly data: readonly string[] }
  | { readonly kind: "part"; readonly out: string; readonly data: readonly string[]; readonly shard: Shard }
  | { readonly kind: "merge"; readonly out: string; readonly parts: readonly string[] };

/** Errors: `ERR_BN_PARAM` for options that cannot be combined. */
export function workOf(out: string | undefined, options: CalibrateCommandOptions): Work {
  const { data, merge, shard, partial, mode, mpi } = options;
  const single = merge ? "--merge" : shard === undefined ? null : "--shard";
  if (mpi && single)
    throw bad(`--mpi with ${single}: the ranks of mpirun already share the work; leave one of them out`);
  if ((data === undefined) === (merge === undefined)) {
    throw bad(
      data
        ? "--data and --merge cannot be combined: --data runs the model, --merge joins finished parts; give one of them"
        : "--data: not given, expected files, folders or globs, or - for standard input (or --merge PARTS)",
    );
  }
  if ((shard === undefined) !== (partial === undefined)) {
    throw bad(
      shard
        ? `--shard ${shard}: no file for the result; give --partial FILE`
        : `--partial ${partial}: the shard is missing; give --shard I/N`,
    );
  }
  if (merge !== undefined) {
    const other = ["shard", "batch", "mode", "input", "nodes", "resume", "restart"].find((name) =>
      Object.hasOwn(options, name),
    );
    if (other) throw bad(`--${other} with --merge: the parts already contain it; leave it out`);
    return { kind: "merge", out: wanted(out), parts: merge };
  }
  const files = data ?? [];
  if (files.includes("-") && files.length > 1)
    throw bad("--data - is one stream and cannot be combined with files; give one or the other");
  if (shard === undefined || partial === undefined) return { kind: "run", out: wanted(out), data: files };
  if (out !== undefined)
    throw bad(`${out} with --shard: a shard writes no model; leave the file out, and join the parts with --merge`);
  if (mode === "exact")
    throw bad("--mode exact with --shard: each level of nodes needs the results of all shards; use --mode batch");
  if (options.html ?? options.json)
    throw bad("--json and --html with --shard: a shard has no report; give them with --merge");
  return { kind: "part", out: partial, data: files, shard: shardOf(shard) };
}

function wanted(out: string | undefined): string {
  if (out !== undefined) return out;
  throw bad("OUT: not given, expected the file to write the model to");
}

function shardOf(text: string): Shard {
  const [, index, count] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (shard.index >= 1 && shard.index <= shard.count) return shard;
  throw bad(`--shard ${text}: expected I/N with I from 1 to N, e.g. 2/8`);
}

/** Checks, before anything is read, that the output can be written. */
export async function checkOutputs({ kind, out }: Work, options: CalibrateCommandOptions): Promise<void> {
  const { json, html, force = false } = options;
  checkOneStream({ OUT: out, "--json": json, "--html": html });
  await checkWritable(kind === "part" ? "--partial" : "the model", out, force);
  if (json !== undefined) await checkWritable("--json", json, force);
  if (html !== undefined) await checkWritable("--html", html, force);
}

export function modeOf(text: string | undefined): CalibrationMode {
  if (text === undefined || text === "batch" || text === "exact") return text ?? "batch";
  throw bad(`--mode ${text}: expected batch or exact`);
}

/** The limits of the process that ONNX Runtime runs in. */
export function limitsOf({ timeout, maxMemory, threads }: CalibrateCommandOptions): RuntimeOptions {
  const seconds = above0("--timeout", timeout);
  const mebibytes = above0("--max-memory", maxMemory);
  return {
    threads: wholeOf("--threads", threads) ?? 1,
    ...(seconds === undefined ? {} : { timeout: seconds }),
    ...(mebibytes === undefined ? {} : { memory: mebibytes * 2 ** 20 }),
  };
}

function above0(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (value > 0 && value < Number.POSITIVE_INFINITY) return value;
  throw bad(`${option} ${text}: expected a number above 0`);
}

/** A whole number >= 1. */
export function wholeOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw bad(`${option} ${text}: expected a whole number >= 1`);
}

function bad(what: string): BnError {
  return new BnError("ERR_BN_PARAM", what);
}
