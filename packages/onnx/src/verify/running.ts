import { bounds, type oracle } from "@bn/conformance";
import { type Backend, createBatchNorm, createBlob, type HostArray } from "@bn/core";
import { withOwner } from "../layers/owner.ts";
import type { Top } from "./compare-node.ts";
import type { Problem } from "./problem.ts";
import { runtimeMomentBounds, runtimePrecision } from "./runtime-bounds.ts";
import { type Compared, runningComparisons } from "./validate-layer.ts";

/** The running statistics of a node in training before a step, and after it. */
export interface RunningStep {
  readonly momentum: number;
  readonly old: { readonly mean: HostArray; readonly variance: HostArray };
  readonly given: { readonly mean: HostArray; readonly variance: HostArray };
}

const NO_SUMS =
  "running statistics are not compared: a layer stores them multiplied by 1 / (1 - momentum), which exceeds the type's range here";
const LARGEST_FLOAT32 = 2 ** 128 - 2 ** 104;

/**
 * The running statistics of a node in training, for each of `tops`, or a text that says why they are not
 * compared.
 */
export async function runningOf(
  problem: Problem,
  stats: oracle.Stats,
  step: RunningStep | null,
  tops: readonly Top[],
): Promise<readonly Compared[][] | string> {
  const { x, g, dtype } = problem;
  if (step === null) return [];
  const p = Math.fround(step.momentum);
  if (!(p >= 0 && p < 1))
    return `running statistics are not compared: momentum is ${p}, and a layer needs a momentum of at least 0 and below 1`;
  const { mean, variance } = step.old;
  // Caffe's blobs hold sums, which are 1 / (1 - p) times as large. They overflow if a stored value is near the end of
  // the dtype's range.
  const most = (dtype === "float32" ? LARGEST_FLOAT32 : Number.MAX_VALUE) * (1 - p);
  const isBeyond = (value: number) => Number.isFinite(value) && Math.abs(value) > most;
  if (mean.some(isBeyond) || variance.some(isBeyond)) return NO_SUMS;
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
        name === "running_mean" ? step.given.mean : step.given.variance,
      ),
    );
  }
  return found;
}

/** One step of our average, starting from ONNX's values, with the factor at its limit 1 / (1 - p). */
function stepOf(backend: Backend, { x, g, dtype }: Problem, from: { mean: HostArray; variance: HostArray }, p: number) {
  return withOwner(async (owner) => {
    const blobOf = (shape: readonly number[]) => owner.own(createBlob(backend, shape, dtype));
    const made = [g.channels, g.channels, 1].map((length) => blobOf([length]));
    const [bottom, top] = [blobOf([g.outer, g.channels, g.inner]), blobOf([0])];
    const layer = owner.own(createBatchNorm({ movingAverageFraction: p, blobs: made }));
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
  });
}
