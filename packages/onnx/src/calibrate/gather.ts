import { cpus } from "node:os";
import type { Communicator, Statistics } from "@bn/core";
import { dataError, paramError } from "../graph/errors.ts";
import { createRuntime } from "../verify/process.ts";
import { type Runtime, runtimeVersion } from "../verify/runtime.ts";
import type { CalibrationData } from "./data/data.ts";
import type { Role, StoredStatistics } from "./instrument.ts";
import type { ChosenNode } from "./nodes.ts";
import {
  type CalibrationMode,
  type CalibrationPart,
  differenceOf,
  emptyPart,
  type RunRecord,
  statisticsOf,
} from "./part.ts";
import { createPass } from "./pass.ts";
import { fixedBatch } from "./ports.ts";
import { settle, storedOf } from "./settle.ts";
import { batchSize, type Subject } from "./subject.ts";

/** The progress of a run. */
export interface CalibrationProgress {
  /** The number of batches that are done, of `total`, over all passes. `total` is null if the data does not tell. */
  readonly done: number;
  readonly total: number | null;
  /** The statistics gathered so far. A run that gets this as `from` continues there. */
  part(): CalibrationPart;
}

export interface GatherOptions {
  /** Samples per batch. Default: the size that the model requires, otherwise 32. */
  readonly batch?: number | undefined;
  /** Default "batch". */
  readonly mode?: CalibrationMode | undefined;
  /** The statistics that an interrupted run of the same kind had gathered. */
  readonly from?: CalibrationPart | null | undefined;
  /**
   * The runtime for the network. Default: ONNX Runtime in a separate process, `createRuntime()`, which ends with the
   * call.
   */
  readonly runtime?: Runtime | undefined;
  /** Called after each batch, and awaited. */
  readonly onBatch?: ((progress: CalibrationProgress) => void | Promise<void>) | undefined;
  /**
   * Other processes that make the same call, each for its share of the batches. All get the same result, with the same
   * bits as one process. Default: this process does all the work.
   */
  readonly communicator?: Communicator | undefined;
  /** Checked before each batch; an aborted signal rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A contiguous part of the batches. */
export interface Range {
  readonly first: number;
  /** null means until the end of a stream. */
  readonly end: number | null;
}

/** Joins the parts that several processes gathered in one pass. */
export type Exchange = (part: CalibrationPart) => CalibrationPart;

/** Shard `index` of `count`, counted from 1. Shards have equal sizes, as far as whole batches allow. */
export function shardOf(batches: number, index: number, count: number): Range {
  return { first: Math.floor((batches * (index - 1)) / count), end: Math.floor((batches * index) / count) };
}

/** The number of batches for this number of samples. */
export function batchesOf(samples: number, batch: number): number {
  return Math.ceil(samples / batch);
}

export async function recordOf(
  subject: Subject,
  data: CalibrationData,
  { batch, mode = "batch", runtime }: GatherOptions,
): Promise<RunRecord> {
  if (mode !== "batch" && mode !== "exact") throw paramError(`mode is ${mode}, expected batch or exact`);
  if (mode === "exact" && data.samples === null) {
    throw paramError(
      "mode exact reads the data once per level of nodes, and a stream can be read only once; save it to a file, or use mode batch",
    );
  }
  const size = batchSize(subject, batch);
  const fixed = fixedBatch(subject.ports) !== null;
  if (fixed && data.samples !== null && data.samples % size !== 0) {
    throw dataError(
      `${data.samples} samples are not a multiple of ${size}, the fixed batch size of the model; remove ${data.samples % size} of them`,
    );
  }
  return {
    model: subject.digest,
    data: data.samples === null ? "stream" : data.digest(),
    samples: data.samples,
    batch: size,
    mode,
    nodes: subject.nodes.map(({ name }) => name),
    runtime: await runtimeVersion(),
    threads: runtime?.threads ?? 1,
    cpu: `${cpus()[0]?.model ?? "unknown"} ${process.arch}`,
  };
}

/**
 * Runs the batches of a range through the network, in as many passes as the mode needs, and returns the statistics of
 * the last pass. After each pass `exchange` joins them with those of other processes.
 */
export async function gather(
  subject: Subject,
  data: CalibrationData,
  run: RunRecord,
  range: Range,
  options: GatherOptions,
  exchange: Exchange = (part) => part,
): Promise<CalibrationPart> {
  const levels = run.mode === "batch" ? 1 : Math.max(...subject.nodes.map(({ level }) => level)) + 1;
  let part = startOf(run, range, options.from ?? null);
  const runtime = options.runtime ?? createRuntime({ signal: options.signal });
  try {
    for (;;) {
      const total = range.end === null ? null : (range.end - range.first) * levels;
      const before = range.end === null ? 0 : (range.end - range.first) * part.level;
      part = exchange(await gatherPass(subject, data, range, part, { ...options, runtime, total, before }));
      if (part.level + 1 >= levels) return part;
      part = {
        ...part,
        level: part.level + 1,
        settled: settledBy(subject, part),
        first: range.first,
        batches: 0,
        statistics: [],
      };
    }
  } finally {
    if (!options.runtime) await runtime[Symbol.asyncDispose]();
  }
}

/** All settled nodes after a pass: those of earlier levels and of this one. */
export function settledBy(subject: Subject, part: CalibrationPart): CalibrationPart["settled"] {
  const nodes = measuredIn(subject, part);
  const statistics = statisticsOf(part, nodes.map(sizeOf), part.first);
  return [...part.settled, ...nodes.map((node) => settle(node, statistics.get(node.name) as Statistics))];
}

/** Errors: `ERR_BN_PARAM`, with `from` as its cause, if `from` belongs to another run. */
function startOf(run: RunRecord, { first, end }: Range, from: CalibrationPart | null): CalibrationPart {
  if (from === null) return emptyPart(run, first);
  const different = differenceOf(from.run, run);
  const last = from.first + from.batches;
  const fits = from.first === first && (end === null || last <= end);
  if (different === null && fits) return from;
  const what =
    different === null
      ? `has batches ${from.first} to ${last - 1}, expected some of ${first} to ${(end ?? Number.POSITIVE_INFINITY) - 1}`
      : `does not match this one: ${different}`;
  throw paramError(`the saved run ${what}`, from);
}

function measuredIn({ nodes }: Subject, { run, level }: CalibrationPart): readonly ChosenNode[] {
  return run.mode === "batch" ? nodes : nodes.filter((node) => node.level === level);
}

const sizeOf = ({ name, layer }: ChosenNode) => ({ name, channels: layer.channels });

interface PassOptions extends GatherOptions {
  readonly runtime: Runtime;
  readonly total: number | null;
  readonly before: number;
}

async function gatherPass(
  subject: Subject,
  data: CalibrationData,
  { first, end }: Range,
  from: CalibrationPart,
  { runtime, onBatch, signal, total, before }: PassOptions,
): Promise<CalibrationPart> {
  const { run } = from;
  const nodes = measuredIn(subject, from);
  const statistics = statisticsOf(from, nodes.map(sizeOf), first);
  const last = end === null ? Number.POSITIVE_INFINITY : end;
  let [done, seen] = [from.batches, from.seen];
  const part = (): CalibrationPart => {
    return {
      ...from,
      batches: done,
      seen,
      statistics: [...statistics].map(([node, one]) => ({ node, state: one.state() })),
    };
  };
  const pass = createPass(subject, runtime, rolesOf(subject, from));
  try {
    await skip(data, from);
    while (first + done < last) {
      signal?.throwIfAborted();
      const number = first + done;
      const feeds = await data.read(number * run.batch, run.batch);
      if (feeds === null) break;
      const own = [...feeds.values()][0]?.shape[0] ?? 1;
      const moments = await pass.run(feeds, number);
      for (const [{ name }, { count }] of moments) if (run.mode === "batch") checkCount(name, count, number, run, own);
      for (const [{ name }, one] of moments) statistics.get(name)?.addMoments(one);
      done += 1;
      seen = data.samples === null ? data.digest() : "";
      await onBatch?.({ done: before + done, total, part });
    }
  } finally {
    await pass[Symbol.asyncDispose]();
  }
  if (end === null && done === 0) throw dataError("standard input: there are no samples");
  return part();
}

/** A stream that starts again is read up to where the last run stopped, and must have the same content so far. */
async function skip(data: CalibrationData, { run, first, batches, seen }: CalibrationPart): Promise<void> {
  if (data.samples !== null || batches === 0) return;
  for (let i = 0; i < batches; i++) await data.read((first + i) * run.batch, run.batch);
  if (data.digest() === seen) return;
  throw paramError(
    `standard input: its first ${batches} batches differ from those of the saved run; give the same data, from its start`,
  );
}

function rolesOf(subject: Subject, { run, level, settled }: CalibrationPart): (node: ChosenNode) => Role {
  if (run.mode === "batch") return () => ({ kind: "measured", own: true });
  const byName = new Map(settled.map((one) => [one.node, one]));
  const stored = new Map<ChosenNode, StoredStatistics>();
  for (const node of subject.nodes) {
    const found = byName.get(node.name);
    if (found) stored.set(node, storedOf(node, found));
  }
  return (node) => {
    const known = stored.get(node);
    if (known) return { kind: "settled", stored: known };
    return node.level === level ? { kind: "measured", own: false } : { kind: "kept" };
  };
}

/**
 * In mode batch, a batch with one value per channel is normalized to 0, which training refuses too. If the last batch
 * will be such a batch, this is reported after the first one and not at the end.
 */
function checkCount(node: string, count: number, number: number, { samples, batch }: RunRecord, own: number): void {
  const rest = samples === null ? own : samples % batch || batch;
  const least = Math.min(count, (count / own) * rest);
  if (least > 1) return;
  const which = count > 1 ? `the last batch, of ${rest},` : `batch ${number}`;
  const cure =
    samples === 1 ? "give more samples" : "choose a batch size that leaves more samples there, or mode exact";
  throw dataError(`BatchNormalization "${node}": ${which} has one value per channel, so its variance is 0; ${cure}`);
}
