import { bounds, type Comparison, oracle } from "@bn/conformance";
import { type Backend, createBatchNorm, createBlob, type HostArray } from "@bn/core";
import type { NormRecord } from "../layers/record.ts";
import { problemOf, type Values } from "./build-problem.ts";
import { compareNode, type NodeComparison, type Top } from "./compare-node.ts";
import type { ComparedNode } from "./nodes.ts";
import { type Problem, statisticsOf } from "./problem.ts";
import type { BackendRow, VerifyRow } from "./report.ts";
import { runProblem } from "./run-problem.ts";
import { runtimeMomentBounds, runtimePrecision } from "./runtime-bounds.ts";
import { type Compared, runningComparisons } from "./validate-layer.ts";

/** The inputs and outputs of a node in the network. */
export interface NodeValues {
  readonly x: Values;
  readonly operands: readonly Values[];
  /** Null if ONNX Runtime returned none; the next field then says why. */
  readonly y: HostArray | null;
  readonly why: string;
  /** The layer from which the node was made, if there is one. Backends then run that layer. */
  readonly layer: NormRecord | null;
  /** The running statistics, in training and if ONNX Runtime returned them. */
  readonly running: { readonly mean: HostArray; readonly variance: HostArray } | null;
}

/** A row without numbers. */
export function emptyRow(node: RowOf, reason: string, backends: readonly Backend[], x?: Values): VerifyRow {
  return {
    ...rowOf(node),
    shape: x?.shape ?? [],
    dtype: x ? (x.narrow ?? x.dtype) : "",
    meanOverStd: Number.NaN,
    nanChannels: 0,
    onnxRuntime: null,
    reason,
    backends: backends.map((backend) => skip(backend, reason)),
  };
}

interface RowOf {
  readonly name: string;
  readonly operator: string;
  readonly where: string;
}

const rowOf = ({ name, operator, where }: RowOf) => ({ node: name, operator, where });

/** Compares one node on every backend, from its inputs and outputs in the network. */
export async function verifyNode(
  node: ComparedNode,
  values: NodeValues,
  backends: readonly Backend[],
  signal: AbortSignal | undefined,
): Promise<VerifyRow> {
  const problem = problemOf(node, values.x, values.operands);
  if (typeof problem === "string") return emptyRow(node, problem, backends, values.x);
  const tops: Top[] = [];
  const failed = new Map<Backend, BackendRow>();
  for (const backend of backends) {
    signal?.throwIfAborted();
    if (!backend.supports.dtypes.includes(problem.dtype)) {
      failed.set(backend, skip(backend, `supports.dtypes lacks ${problem.dtype}`));
      continue;
    }
    try {
      tops.push({ backend, values: await runProblem(backend, problem, values.layer) });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failed.set(backend, { backend: backend.name, status: "failed", reason, float64: null, onnxRuntime: null });
    }
  }
  signal?.throwIfAborted();
  const compared = compareNode(problem, tops, values.y);
  const running = await runningOf(node, problem, values, tops);
  const runtime = worst([compared.onnxRuntime, ...running.map(([first]) => first?.runtime ?? null)]);
  const rows = tops.map(({ backend }, i) => {
    const steps = running[i] ?? [];
    const float64 = worst([compared.tops[i]?.float64 ?? null, ...steps.map((one) => one.float64)]);
    const onnxRuntime = worst([compared.tops[i]?.onnxRuntime ?? null, ...steps.map((one) => one.onnxRuntime)]);
    return backendRow(backend, { float64, onnxRuntime }, runtime, compared, problem);
  });
  const byBackend = new Map(tops.map(({ backend }, i) => [backend, rows[i] as BackendRow]));
  return {
    ...rowOf(node),
    shape: values.x.shape,
    dtype: values.x.narrow ?? values.x.dtype,
    meanOverStd: meanOverStd(problem),
    nanChannels: compared.nan.length,
    onnxRuntime: runtime,
    reason: runtime === null ? values.why || NO_BOUND : running === BEYOND ? NO_SUMS : "",
    backends: backends.map((backend) => (byBackend.get(backend) ?? failed.get(backend)) as BackendRow),
  };
}

const NO_BOUND =
  "ONNX Runtime takes the variance as the difference of two sums that cancel here: no digit of it is known";

function backendRow(
  backend: Backend,
  { float64, onnxRuntime }: { float64: Comparison | null; onnxRuntime: Comparison | null },
  runtime: Comparison | null,
  { nan, finite }: NodeComparison,
  { g }: Problem,
): BackendRow {
  if (!backend.supports.nonFinite && !finite)
    return skip(backend, "supports.nonFinite is false, and the node gives NaN or infinities");
  // If ONNX Runtime itself differs from float64, a difference from ONNX Runtime is not a fault.
  const runtimeIsRight = runtime !== null && runtime.ratio <= 1;
  const off = [float64, onnxRuntime].filter((found) => found !== null && !(found.ratio <= 1)) as Comparison[];
  const failed = off.some((found) => found === float64 || runtimeIsRight);
  const texts = off.map(
    (found) => `off ${found === float64 ? "float64" : "ONNX Runtime"} by ${found.ratio.toPrecision(3)} of the bound`,
  );
  if (onnxRuntime && off.includes(onnxRuntime) && !runtimeIsRight) texts.push("which is off float64 itself");
  const row = { backend: backend.name, float64, onnxRuntime };
  if (failed || nan.length === 0) return { ...row, status: failed ? "failed" : "passed", reason: texts.join("; ") };
  const some =
    nan.length === g.channels
      ? "every channel is"
      : `${nan.length} of ${g.channels} channels, the first ${nan[0]}, are`;
  return { ...row, status: "skipped", reason: `${some} NaN on both sides: NaN is not agreement; see var and epsilon` };
}

function skip(backend: Backend, reason: string): BackendRow {
  return { backend: backend.name, status: "skipped", reason, float64: null, onnxRuntime: null };
}

function worst(found: readonly (Comparison | null)[]): Comparison | null {
  return found.reduce<Comparison | null>((a, b) => (b && (!a || b.ratio > a.ratio) ? b : a), null);
}

function meanOverStd(problem: Problem): number {
  const { mean, variance } = statisticsOf(problem);
  const means = oracle.valuesOf(mean);
  const ratio = (v: number, c: number) => Math.abs(means[c] as number) / Math.sqrt(v + problem.eps);
  return oracle.valuesOf(variance).reduce((most, v, c) => Math.max(most, ratio(v, c)), 0);
}

/** Without comparisons, because the sums for them would overflow. */
const BEYOND: Compared[][] = [];
const NO_SUMS =
  "running statistics are not compared: a layer keeps them times 1 / (1 - momentum), which is beyond the type's range here";
const LARGEST_FLOAT32 = 2 ** 128 - 2 ** 104;

/** The running statistics of a node in training, for each of `tops`; empty if they cannot be compared. */
async function runningOf(
  node: ComparedNode,
  problem: Problem,
  values: NodeValues,
  tops: readonly Top[],
): Promise<Compared[][]> {
  const { running } = values;
  if (node.operator !== "BatchNormalization" || !node.training || running === null) return [];
  const p = Math.fround(node.momentum);
  if (!(p >= 0 && p < 1)) return [];
  const [, , mean, variance] = values.operands.map(({ data }) => data) as [HostArray, HostArray, HostArray, HostArray];
  const { x, g, dtype } = problem;
  // Caffe's blobs hold sums, which are 1 / (1 - p) times as large. They overflow if a stored value is near the end of
  // the dtype's range.
  const most = (dtype === "float32" ? LARGEST_FLOAT32 : Number.MAX_VALUE) * (1 - p);
  const isBeyond = (value: number) => Number.isFinite(value) && Math.abs(value) > most;
  if (mean.some(isBeyond) || variance.some(isBeyond)) return BEYOND;
  const stats = statisticsOf(problem);
  const theirP = runtimePrecision(dtype);
  const theirs = runtimeMomentBounds(theirP, x, g, stats);
  const found: Compared[][] = [];
  for (const { backend } of tops) {
    const own = bounds.precisionOf(dtype, backend.supports);
    const ours = bounds.momentBounds(own, x, g, stats);
    const stepped = await stepOf(backend, problem, { mean, variance }, p);
    const batch = { g, stats, ours, theirs, p: own, theirP };
    const before = { old: stepped.old, theirOld: { mean, variance }, momentum: stepped.momentum };
    found.push(
      runningComparisons(batch, before, stepped.blobs, (name) =>
        name === "running_mean" ? running.mean : running.variance,
      ),
    );
  }
  return found;
}

/** One step of our average, starting from ONNX's values, with the factor at its limit 1 / (1 - p). */
async function stepOf(
  backend: Backend,
  { x, g, dtype }: Problem,
  from: { mean: HostArray; variance: HostArray },
  p: number,
) {
  const made = [g.channels, g.channels, 1].map((length) => createBlob(backend, [length], dtype));
  const [bottom, top] = [createBlob(backend, [g.outer, g.channels, g.inner], dtype), createBlob(backend, [0], dtype)];
  const layer = createBatchNorm({ movingAverageFraction: p, blobs: made });
  try {
    const limit = 1 / (1 - p);
    for (const [i, values] of [from.mean, from.variance, [1]].entries())
      made[i]?.write(Float64Array.from(values, (value) => value * limit));
    const [mean, variance, [factor = 1] = []] = await Promise.all(made.map((blob) => blob.read()));
    bottom.write(x);
    layer.setUp([bottom], [top]);
    layer.forward([bottom], [top]);
    const blobs = await Promise.all(made.map((blob) => blob.read()));
    const old = {
      mean: Float64Array.from(mean ?? [], (sum) => sum / factor),
      variance: Float64Array.from(variance ?? [], (sum) => sum / factor),
    };
    return { blobs, old, momentum: (p * factor) / (p * factor + 1) };
  } finally {
    for (const one of [layer, top, bottom, ...made]) one.dispose();
  }
}
