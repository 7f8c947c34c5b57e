import { type Comparison, oracle } from "@bn/conformance";
import type { Backend, HostArray } from "@bn/core";
import type { NormRecord } from "../layers/record.ts";
import { planOf, type Readable, type Values } from "./build-problem.ts";
import { compareNode, mergeComparisons, type NodeComparison, type Top } from "./compare-node.ts";
import type { ComparedNode, LeftNode } from "./nodes.ts";
import { gather, layerIn, type Part, type Plan, partsOf, problemIn, rangeOf } from "./parts.ts";
import { type Problem, statisticsOf } from "./problem.ts";
import type { BackendRow, VerifyRow } from "./report.ts";
import { runProblem } from "./run-problem.ts";
import { type RunningStep, runningOf } from "./running.ts";

/** The inputs and outputs of a node in the network. */
export interface NodeValues {
  readonly x: Readable;
  readonly operands: readonly Values[];
  /** Null if ONNX Runtime returned none; the next field then says why. */
  readonly y: Readable | null;
  readonly why: string;
  /** The layer from which the node was made, if there is one. Backends then run that layer. */
  readonly layer: NormRecord | null;
  /** The running statistics, in training and if ONNX Runtime returned them. */
  readonly running: { readonly mean: HostArray; readonly variance: HostArray } | null;
}

/** A row without numbers. */
export function emptyRow(node: RowOf, reason: string, backends: readonly Backend[], x?: Readable): VerifyRow {
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

type RowOf = Pick<ComparedNode | LeftNode, "name" | "operator" | "where">;

const rowOf = ({ name, operator, where }: RowOf) => ({ node: name, operator, where });

/** Compares one node on every backend, from its inputs and outputs in the network. */
export async function verifyNode(
  node: ComparedNode,
  values: NodeValues,
  backends: readonly Backend[],
  signal: AbortSignal | undefined,
): Promise<VerifyRow> {
  const plan = planOf(node, values.x, values.operands);
  if (typeof plan === "string") return emptyRow(node, plan, backends, values.x);
  const failed = new Map<Backend, BackendRow>();
  const work = { plan, values, backends, failed, step: stepOf(node, values), signal };
  let found = NOTHING;
  for (const part of partsOf(plan)) found = await addPart(found, part, work);
  const { compared, runtime, meanOverStd, left } = found;
  const worstRuntime = worst([compared?.onnxRuntime ?? null, runtime]);
  return {
    ...rowOf(node),
    shape: values.x.shape,
    dtype: values.x.narrow ?? values.x.dtype,
    meanOverStd,
    nanChannels: nanIn(found).length,
    onnxRuntime: worstRuntime,
    reason: worstRuntime === null ? values.why || NO_BOUND : left,
    backends: backends.map((backend) => failed.get(backend) ?? backendRow(backend, found, worstRuntime, plan)),
  };
}

/** The results of the parts so far. */
interface Found {
  readonly compared: NodeComparison | null;
  /** The worst running statistics of ONNX Runtime, and of each backend. */
  readonly runtime: Comparison | null;
  readonly running: ReadonlyMap<Backend, Pair>;
  /** Why running statistics are not compared, or "". */
  readonly left: string;
  readonly meanOverStd: number;
}

interface Pair {
  readonly float64: Comparison | null;
  readonly onnxRuntime: Comparison | null;
}

const NOTHING: Found = { compared: null, runtime: null, running: new Map(), left: "", meanOverStd: 0 };

interface Work {
  readonly plan: Plan;
  readonly values: NodeValues;
  readonly backends: readonly Backend[];
  /** Backends that cannot run the problem. */
  readonly failed: Map<Backend, BackendRow>;
  readonly step: RunningStep | null;
  readonly signal: AbortSignal | undefined;
}

async function addPart(before: Found, part: Part, work: Work): Promise<Found> {
  const { plan, values, step, signal } = work;
  const x = await gather(part, async (start, count) => inDtype(await values.x.read(start, count), plan));
  const problem = problemIn(plan, part, x);
  const stats = statisticsOf(problem);
  const tops = await topsOf(problem, layerIn(values.layer, part), work);
  signal?.throwIfAborted();
  const { y } = values;
  const now = compareNode(problem, stats, tops, y && (await gather(part, y.read)));
  const own = step && stepIn(step, part);
  const running = await runningOf(problem, stats, own, tops);
  const steps = typeof running === "string" ? [] : running;
  // Running statistics that were NaN before the step are NaN after it.
  for (const c of now.told.keys())
    if (own && Number.isNaN(Number(own.old.mean[c]) + Number(own.old.variance[c]))) now.told[c] = 0;
  const pairs = tops.map(({ backend }, i) => {
    const [until, some] = [before.running.get(backend), steps[i] ?? []];
    const float64 = worst([until?.float64 ?? null, ...some.map((one) => one.float64)]);
    return [
      backend,
      { float64, onnxRuntime: worst([until?.onnxRuntime ?? null, ...some.map((one) => one.onnxRuntime)]) },
    ] as const;
  });
  return {
    compared: mergeComparisons(before.compared, part, now, plan.g),
    runtime: worst([before.runtime, ...steps.flat().map((one) => one.runtime)]),
    running: new Map(pairs),
    left: before.left || (typeof running === "string" ? running : ""),
    meanOverStd: Math.max(before.meanOverStd, meanOverStd(stats, plan)),
  };
}

async function topsOf(problem: Problem, layer: NormRecord | null, { backends, failed, signal }: Work): Promise<Top[]> {
  const tops: Top[] = [];
  for (const backend of backends) {
    signal?.throwIfAborted();
    if (failed.has(backend)) continue;
    if (!backend.supports.dtypes.includes(problem.dtype)) {
      failed.set(backend, skip(backend, `supports.dtypes lacks ${problem.dtype}`));
      continue;
    }
    try {
      tops.push({ backend, values: await runProblem(backend, problem, layer) });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failed.set(backend, { backend: backend.name, status: "failed", reason, float64: null, onnxRuntime: null });
    }
  }
  return tops;
}

/** Widens float32 values if the problem is float64 because of its parameters. */
function inDtype(values: HostArray, { dtype }: Plan): HostArray {
  return dtype === "float64" && values instanceof Float32Array ? Float64Array.from(values) : values;
}

function stepOf(node: ComparedNode, { running, operands }: NodeValues): RunningStep | null {
  if (node.operator !== "BatchNormalization" || !node.training || running === null) return null;
  const [, , mean, variance] = operands.map(({ data }) => data);
  return mean && variance ? { momentum: node.momentum, old: { mean, variance }, given: running } : null;
}

function stepIn({ momentum, old, given }: RunningStep, part: Part): RunningStep {
  const range = rangeOf(part);
  const both = ({ mean, variance }: RunningStep["old"]) => ({ mean: range(mean), variance: range(variance) });
  return { momentum, old: both(old), given: both(given) };
}

const NO_BOUND =
  "ONNX Runtime computes the variance as the difference of two sums, which cancel here, so no digit of it is known";

/** Channels of which every value is NaN in float64, or a running statistic. */
function nanIn({ compared }: Found): number[] {
  const { told = new Uint8Array() } = compared ?? {};
  return Array.from(told.keys()).filter((c) => told[c] === 0);
}

function backendRow(backend: Backend, found: Found, runtime: Comparison | null, { g }: Plan): BackendRow {
  if (!backend.supports.nonFinite && !found.compared?.finite)
    return skip(backend, "supports.nonFinite is false, and the node gives NaN or infinities");
  const [top, running] = [found.compared?.tops.get(backend), found.running.get(backend)];
  const float64 = worst([top?.float64 ?? null, running?.float64 ?? null]);
  const onnxRuntime = worst([top?.onnxRuntime ?? null, running?.onnxRuntime ?? null]);
  // If ONNX Runtime itself differs from float64, a difference from ONNX Runtime is not a fault.
  const runtimeIsRight = runtime !== null && runtime.ratio <= 1;
  const off = [float64, onnxRuntime].filter((one) => one !== null && !(one.ratio <= 1)) as Comparison[];
  const isFault = off.some((one) => one === float64 || runtimeIsRight);
  const texts = off.map(
    (one) =>
      `differs from ${one === float64 ? "float64" : "ONNX Runtime"} by ${one.ratio.toPrecision(3)} times the bound`,
  );
  if (onnxRuntime && off.includes(onnxRuntime) && !runtimeIsRight) texts.push("which itself differs from float64");
  const row = { backend: backend.name, float64, onnxRuntime };
  const nan = nanIn(found);
  if (isFault || nan.length === 0) return { ...row, status: isFault ? "failed" : "passed", reason: texts.join("; ") };
  const some =
    nan.length === g.channels
      ? "every channel is"
      : `${nan.length} of ${g.channels} channels, the first ${nan[0]}, are`;
  return {
    ...row,
    status: "skipped",
    reason: `${some} NaN on both sides, which does not count as agreement; check mean, var and epsilon`,
  };
}

function skip(backend: Backend, reason: string): BackendRow {
  return { backend: backend.name, status: "skipped", reason, float64: null, onnxRuntime: null };
}

function worst(found: readonly (Comparison | null)[]): Comparison | null {
  return found.reduce<Comparison | null>((a, b) => (b && (!a || b.ratio > a.ratio) ? b : a), null);
}

function meanOverStd({ mean, variance }: oracle.Stats, { eps }: Plan): number {
  const means = oracle.valuesOf(mean);
  const ratio = (v: number, c: number) => Math.abs(means[c] as number) / Math.sqrt(v + eps);
  return oracle.valuesOf(variance).reduce((most, v, c) => Math.max(most, ratio(v, c)), 0);
}
