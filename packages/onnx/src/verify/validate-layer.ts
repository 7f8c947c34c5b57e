import { bounds, type Comparison, compare, oracle } from "@bn/conformance";
import {
  type Backend,
  type BatchNormScaleParams,
  createBatchNorm,
  createBatchNormScale,
  createBlob,
  type Dtype,
  type Geometry,
  type HostArray,
  type Shape,
} from "@bn/core";
import { momentumAt, readBatchNorm } from "../layers/blobs.ts";
import { buildModel } from "../layers/model.ts";
import { type Owner, withOwner } from "../layers/owner.ts";
import { arrayOf, type NormRecord, quotients } from "../layers/record.ts";
import { runModel, type Tensor } from "./runtime.ts";
import {
  foldedBound,
  runningBound,
  runtimeMomentBounds,
  runtimePrecision,
  runtimeStepBound,
} from "./runtime-bounds.ts";

/** One tensor of a layer, compared in three ways. */
export interface Compared {
  /** The backend compared with float64, under the tight bound (N-3, N-4, N-8). */
  readonly float64: Comparison;
  /** ONNX Runtime compared with float64, under its own bound (O-1 to O-3). */
  readonly runtime: Comparison;
  /** The backend compared with ONNX Runtime, under both bounds together. */
  readonly onnxRuntime: Comparison;
}

export interface LayerSetting {
  readonly eps: number;
  readonly movingAverageFraction: number;
  /** The momentum of ONNX's step. Default: the momentum that fits the layer's factor, `momentumAt`. */
  readonly momentum?: number;
}

/** A layer's blobs and bottom, seen as [outer][channels][inner] with channels on axis 1. */
export interface Problem {
  readonly x: HostArray;
  readonly g: Geometry;
  readonly shape: Shape;
  readonly dtype: Dtype;
  /** The contents of mean, variance, factor, then gamma and beta: 3 blobs for BatchNorm, 4 or 5 for the fused layer. */
  readonly blobs: readonly ArrayLike<number>[];
}

/** A layer of @bn/core with the state of a problem, and its bottom and top. */
function setUp({ own }: Owner, backend: Backend, { x, shape, dtype, blobs }: Problem, params: BatchNormScaleParams) {
  const layer = own(
    blobs.length > 3 ? createBatchNormScale({ ...params, biasTerm: blobs.length > 4 }) : createBatchNorm(params),
  );
  const [bottom, top] = [own(createBlob(backend, shape, dtype)), own(createBlob(backend, shape, dtype))];
  bottom.write(x);
  layer.setUp([bottom], [top]);
  for (const [i, values] of blobs.entries()) layer.blobs[i]?.write(values);
  return { layer, top, forward: () => layer.forward([bottom], [top]) };
}

/** Compares `top` after a forward in test phase on `backend` and, exported, in ONNX Runtime. */
export function validateInference(backend: Backend, problem: Problem, setting: LayerSetting): Promise<Compared[]> {
  const { x, g, shape, dtype } = problem;
  return withOwner(async (owner) => {
    const ran = setUp(owner, backend, problem, { phase: "test", eps: setting.eps });
    ran.forward();
    const node = await readBatchNorm(ran.layer.blobs, setting);
    const outputs = await runModel(buildModel(node, { shape }), { X: { type: dtype, shape, data: x } });
    const { mean, variance } = quotients(node);
    const stats = { mean: oracle.channelsOf(mean), variance: oracle.channelsOf(variance) };
    const affine = affineOf(node);
    const p = bounds.precisionOf(dtype, backend.supports);
    const errors = { mean: bounds.globalBound(p, stats.mean), variance: bounds.globalBound(p, stats.variance) };
    const expected = oracle.normalize(x, g, stats, node.eps, affine);
    const ours = bounds.normalizeBound(p, x, g, stats, node.eps, affine, errors);
    const theirs = foldedBound(runtimePrecision(dtype), x, g, stats, node.eps, affine, null);
    return [threeWays("top", await ran.top.read(), dataOf(outputs, "Y"), expected, ours, theirs, g)];
  });
}

/**
 * Compares `top`, `running_mean` and `running_var` after one training forward on `backend` and, exported, in ONNX
 * Runtime.
 */
export function validateTraining(backend: Backend, problem: Problem, setting: LayerSetting): Promise<Compared[]> {
  const { x, g, shape, dtype } = problem;
  return withOwner(async (owner) => {
    const { eps, movingAverageFraction } = setting;
    const ran = setUp(owner, backend, problem, { phase: "train", eps, movingAverageFraction });
    const { blobs } = ran.layer;
    const before = await readBatchNorm(blobs, setting);
    const averages = quotients(before);
    const [factor = 0] = Array.from((await blobs[2]?.read()) ?? []);
    const { eps: epsilon } = before;
    const momentum = setting.momentum ?? momentumAt(setting.movingAverageFraction, factor);
    ran.forward();
    const bytes = buildModel(before, { shape, momentum, training: true });
    const outputs = await runModel(bytes, { X: { type: dtype, shape, data: x } });

    const stats = oracle.moments(x, g);
    const affine = affineOf(before);
    const [p, theirP] = [bounds.precisionOf(dtype, backend.supports), runtimePrecision(dtype)];
    const [ours, theirs] = [bounds.momentBounds(p, x, g, stats), runtimeMomentBounds(theirP, x, g, stats)];
    const top = threeWays(
      "top",
      await ran.top.read(),
      dataOf(outputs, "Y"),
      oracle.normalize(x, g, stats, epsilon, affine),
      bounds.normalizeBound(p, x, g, stats, epsilon, affine, ours),
      foldedBound(theirP, x, g, stats, epsilon, affine, theirs),
      g,
    );
    const blobsAfter = await Promise.all(blobs.slice(0, 3).map((blob) => blob.read()));
    const outputOf = (name: string) => dataOf(outputs, name);
    const batch = { g, stats, ours, theirs, p, theirP };
    return [top, ...runningComparisons(batch, { old: averages, theirOld: averages, momentum }, blobsAfter, outputOf)];
  });
}

/** The batch of a training step: its statistics, and the largest error that each side may have in them. */
export interface Batch {
  readonly g: Geometry;
  readonly stats: oracle.Stats;
  readonly ours: bounds.StatErrors;
  readonly theirs: bounds.StatErrors;
  readonly p: bounds.Precision;
  readonly theirP: bounds.Precision;
}

interface Averages {
  readonly mean: ArrayLike<number>;
  readonly variance: ArrayLike<number>;
}

/** The averages before the step: ours, ONNX Runtime's, and the momentum of our step. */
export interface Before {
  readonly old: Averages;
  readonly theirOld: Averages;
  readonly momentum: number;
}

/**
 * Compares running_mean and running_var after a step: from our blobs [mean, variance, factor], and from ONNX Runtime's
 * outputs.
 */
export function runningComparisons(
  { g, stats, ours, theirs, p, theirP }: Batch,
  { old: before, theirOld, momentum }: Before,
  [means, variances, factors]: readonly HostArray[],
  outputOf: (name: string) => HostArray,
): Compared[] {
  const m = g.outer * g.inner;
  const channels = { outer: 1, channels: g.channels, inner: 1 };
  // The node stores momentum as a float32, even in float64.
  const stored = Math.fround(momentum);
  const step = (name: string, got: HostArray | undefined, part: "mean" | "variance", correction: number): Compared => {
    const [old, given] = [before[part], theirOld[part]];
    const batch = oracle.valuesOf(stats[part]);
    const [sums, weight] = [got ?? new Float64Array(), factors?.[0] ?? Number.NaN];
    // blobs / factor, with the batch's part divided by m / (m - 1)
    const value = Float64Array.from(sums, (total, c) => {
      const kept = momentum * (old[c] as number);
      return (total / weight - kept) / correction + kept;
    });
    const stepped = (p: number, from: ArrayLike<number>) =>
      Float64Array.from(from, (v, c) => p * v + (1 - p) * (batch[c] as number));
    const runtime = outputOf(name);
    const theirBound = runtimeStepBound(theirP, { p: stored, old: given, batch, theirs: theirs[part] });
    const both = runningBound(p, { p: momentum, old, batch, theirs: theirs[part], ours: ours[part] });
    const apart = both.map((bound, c) => {
      const size = Math.abs(old[c] as number) + Math.abs(batch[c] as number);
      return (
        bound + Math.abs(stored - momentum) * size + momentum * Math.abs((old[c] as number) - (given[c] as number))
      );
    });
    const ourBound = both.map((bound, c) => bound - (1 - momentum) * (theirs[part][c] as number));
    return {
      float64: compare(name, value, stepped(momentum, old), ourBound, channels),
      runtime: compare(name, runtime, stepped(stored, given), theirBound, channels),
      onnxRuntime: compare(name, value, runtime, apart, channels),
    };
  };
  return [step("running_mean", means, "mean", 1), step("running_var", variances, "variance", m > 1 ? m / (m - 1) : 1)];
}
/** ONNX's scale and B. */
function affineOf({ dtype, channels, gamma, beta }: NormRecord) {
  const filled = (value: number) => arrayOf(dtype, new Array(channels).fill(value));
  return { gamma: oracle.channelsOf(gamma ?? filled(1)), beta: oracle.channelsOf(beta ?? filled(0)) };
}

function threeWays(
  what: string,
  got: HostArray,
  runtime: HostArray,
  truth: Float64Array,
  ours: Float64Array,
  theirs: Float64Array,
  g: Geometry,
): Compared {
  const saturated = got instanceof Float32Array ? truth.map(inFloat32) : truth;
  const rounded = (bound: Float64Array) => bound.map((own, i) => own + Math.abs(saturated[i] as number) * 2 ** -53);
  return {
    float64: compare(what, got, saturated, rounded(ours), g),
    runtime: compare(what, runtime, saturated, rounded(theirs), g),
    onnxRuntime: compare(
      what,
      got,
      runtime,
      ours.map((own, i) => own + (theirs[i] as number)),
      g,
    ),
  };
}

/** A value that overflows in float32 is infinite in the truth too. All others keep their digits. */
export function inFloat32(value: number): number {
  const rounded = Math.fround(value);
  return Number.isFinite(rounded) ? value : rounded;
}

function dataOf(outputs: ReadonlyMap<string, Tensor>, name: string): HostArray {
  return outputs.get(name)?.data as HostArray;
}
