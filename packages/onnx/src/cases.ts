import { bounds, type Case, type Comparison, compare, oracle, type Random, random } from "@bn/conformance";
import type { Backend, Dtype, Geometry, HostArray, Shape } from "@bn/core";
import { buildModel, momentumAt, readBatchNorm } from "./model.ts";
import { createLayer, type LayerInput, type Ran } from "./repeat.ts";
import { runModel, type Tensor } from "./runtime.ts";
import { foldedBound, runningBound, runtimeMomentBounds, runtimePrecision } from "./runtime-bounds.ts";

const SHAPES: readonly Shape[] = [
  [1, 1],
  [5, 3],
  [2, 3, 5],
  [2, 3, 4, 4],
  [8, 5, 7, 7],
  [3, 2, 2, 3, 4],
  [1, 65, 1, 1],
  [2, 257, 3, 1],
  [4, 2, 33, 65],
];

/** Mean and deviation of the values, each channel's own factor of 1 to 2 on the mean apart. */
const DISTRIBUTIONS: Readonly<Record<string, readonly [mean: number, deviation: number]>> = {
  unit: [0, 1],
  offset: [3, 1],
  "offset-1e2": [1e2, 1],
  "offset-1e3": [-1e3, 1],
  "offset-1e4": [1e4, 1],
  "offset-1e6": [1e6, 1],
  tiny: [0, 1e-4],
  large: [0, 1e6],
  constant: [7, 0],
};

/** Layer, and how far its average has come: `first` replaces what was there, `steady` has factor 1 / (1 - fraction). */
const VARIANTS = ["plain", "affine"] as const;
const AVERAGES = ["first", "steady"] as const;
const EPS = 1e-5;
const FRACTION = 0.9;

interface Setting {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly values: readonly [mean: number, deviation: number];
  readonly affine: boolean;
  readonly steady: boolean;
}

/**
 * ONNX Runtime as a truth that shares nothing with us: every case runs a layer of @bn/core on the backend, exports its
 * blobs to a model of one BatchNormalization node and compares with what onnxruntime-node makes of it. Forward in test
 * phase (O-1), and in training mode with the running statistics (O-2, O-3), over shapes, distributions and dtypes.
 */
export function onnxCases(): Case[] {
  const settings = SHAPES.flatMap((shape) =>
    Object.entries(DISTRIBUTIONS).flatMap(([name, values]) =>
      (["float32", "float64"] as const).flatMap((dtype) =>
        VARIANTS.map((variant) => ({
          id: `${name}/${shape.join("x")}/${dtype}/${variant}`,
          setting: { shape, dtype, values, affine: variant === "affine", steady: false },
        })),
      ),
    ),
  );
  return settings.flatMap(({ id, setting }) => {
    const inference = `onnxruntime/inference/${id}`;
    const needs = { dtype: setting.dtype };
    const steps = AVERAGES.map((average): Case => {
      const training = `onnxruntime/training/${id}/${average}`;
      const run: Case["run"] = ({ backend }) =>
        runTraining(backend, training, { ...setting, steady: average === "steady" });
      return { id: training, group: "onnxruntime", clause: "O-2", needs, run };
    });
    const run: Case["run"] = ({ backend }) => runInference(backend, inference, setting);
    return [{ id: inference, group: "onnxruntime", clause: "O-1", needs, run }, ...steps];
  });
}

async function runInference(backend: Backend, seed: string, setting: Setting): Promise<Comparison[]> {
  const { dtype, shape } = setting;
  const problem = problemOf(seed, setting, 3.5);
  const { x, g } = problem;
  const ran = createLayer(backend, problem, { phase: "test", eps: EPS });
  return closing(ran, async () => {
    ran.forward();
    const node = await readBatchNorm(ran.layer.blobs, { eps: EPS, movingAverageFraction: FRACTION });
    const outputs = await runModel(buildModel(node, { shape }), { X: { type: dtype, shape, data: x } });
    const stats = { mean: oracle.channelsOf(node.mean), variance: oracle.channelsOf(node.variance) };
    const affine = { gamma: oracle.channelsOf(node.scale), beta: oracle.channelsOf(node.bias) };
    const p = bounds.precisionOf(dtype, backend.supports);
    const errors = { mean: bounds.globalBound(p, stats.mean), variance: bounds.globalBound(p, stats.variance) };
    const ours = bounds.normalizeBound(p, x, g, stats, node.epsilon, affine, errors);
    const theirs = foldedBound(runtimePrecision(dtype), x, g, stats, node.epsilon, affine, null);
    return [compare("top", await ran.top.read(), dataOf(outputs, "Y"), sum(ours, theirs), g)];
  });
}

async function runTraining(backend: Backend, seed: string, setting: Setting): Promise<Comparison[]> {
  const { dtype, shape, steady } = setting;
  const factor = steady ? 1 / (1 - Math.fround(FRACTION)) : 0;
  const problem = problemOf(seed, setting, factor);
  const { x, g } = problem;
  const ran = createLayer(backend, problem, { phase: "train", eps: EPS, movingAverageFraction: FRACTION });
  return closing(ran, async () => {
    const { blobs } = ran.layer;
    const before = await readBatchNorm(blobs, { eps: EPS, movingAverageFraction: FRACTION });
    const momentum = steady ? before.momentum : momentumAt(FRACTION, factor);
    ran.forward();
    const bytes = buildModel({ ...before, momentum }, { shape, training: true });
    const outputs = await runModel(bytes, { X: { type: dtype, shape, data: x } });

    const stats = oracle.moments(x, g);
    const affine = { gamma: oracle.channelsOf(before.scale), beta: oracle.channelsOf(before.bias) };
    const [p, theirP] = [bounds.precisionOf(dtype, backend.supports), runtimePrecision(dtype)];
    const [ours, theirs] = [bounds.momentBounds(p, x, g, stats), runtimeMomentBounds(theirP, x, g, stats)];
    const { epsilon } = before;
    const bound = sum(
      bounds.normalizeBound(p, x, g, stats, epsilon, affine, ours),
      foldedBound(theirP, x, g, stats, epsilon, affine, theirs),
    );
    const top = compare("top", await ran.top.read(), dataOf(outputs, "Y"), bound, g);

    const [means, variances, factors] = await Promise.all([blobs[0]?.read(), blobs[1]?.read(), blobs[2]?.read()]);
    const m = g.outer * g.inner;
    const step = (
      name: string,
      got: HostArray | undefined,
      old: HostArray,
      part: "mean" | "variance",
      correction: number,
    ) => {
      const batch = oracle.valuesOf(stats[part]);
      const allowed = runningBound(p, { p: momentum, old, batch, theirs: theirs[part], ours: ours[part] });
      const [sums, weight] = [got ?? new Float64Array(), factors?.[0] ?? Number.NaN];
      // blobs / factor, with the batch's part relieved of m / (m - 1)
      const value = Float64Array.from(sums, (total, c) => {
        const kept = momentum * (old[c] as number);
        return (total / weight - kept) / correction + kept;
      });
      return compare(name, value, dataOf(outputs, name), allowed, { outer: 1, channels: g.channels, inner: 1 });
    };
    return [
      top,
      step("running_mean", means, before.mean, "mean", 1),
      step("running_var", variances, before.variance, "variance", m > 1 ? m / (m - 1) : 1),
    ];
  });
}

function problemOf(
  seed: string,
  { shape, dtype, values, affine }: Setting,
  factor: number,
): LayerInput & { x: HostArray; g: Geometry } {
  const { uniform, normal } = random(seed);
  const [outer, channels, inner] = [shape[0] ?? 0, shape[1] ?? 0, shape.slice(2).reduce((a, b) => a * b, 1)];
  const g = { outer, channels, inner };
  const offsets = Float64Array.from({ length: channels }, () => values[0] * (1 + uniform()));
  const array = (length: number) => (dtype === "float32" ? new Float32Array(length) : new Float64Array(length));
  const x = array(outer * channels * inner);
  oracle.each(g, (i, c) => {
    x[i] = (offsets[c] as number) + values[1] * normal();
  });
  // Sums as training leaves them: near the values' own mean and variance, times the factor.
  const mean = offsets.map((offset) => factor * (offset + values[1] * 0.1 * normal()));
  const variance = offsets.map(() => factor * values[1] ** 2 * (0.5 + uniform()));
  const draw = (of: Random["normal"]) => Float64Array.from({ length: channels }, of);
  const blobs = [mean, variance, [factor]];
  if (affine)
    blobs.push(
      draw(() => 0.5 + uniform()),
      draw(normal),
    );
  return { x, g, shape, dtype, blobs };
}

function dataOf(outputs: ReadonlyMap<string, Tensor>, name: string): HostArray {
  return outputs.get(name)?.data as HostArray;
}

function sum(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + (b[i] as number));
}

async function closing<T>(ran: Ran, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } finally {
    ran.dispose();
  }
}
