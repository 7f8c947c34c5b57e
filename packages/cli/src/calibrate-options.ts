import type { Shard } from "@bn/onnx/calibrate";
import type { NetworkOptions } from "./caffe-network.ts";
import { bad } from "./errors.ts";
import type { ReportOptions } from "./files.ts";
import { type LimitOptions, shardOf } from "./option-values.ts";

export interface CalibrateCommandOptions extends Omit<NetworkOptions, "opset">, LimitOptions, ReportOptions {
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
