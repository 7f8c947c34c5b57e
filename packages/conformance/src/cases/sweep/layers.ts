import {
  type Backend,
  type Blob,
  createBatchNorm,
  createBatchNormScale,
  createBlob,
  createScale,
  type Dtype,
  type HostArray,
  type Layer,
} from "@bn/core";
import type { Comparison } from "../../case.ts";
import { globalBound, type Precision, sumFactor } from "../../truth/bounds.ts";
import {
  gradientLine,
  gradientPlane,
  gradSumErrors,
  momentErrors,
  normalizeLine,
  scaleLine,
  type WideStats,
} from "../../truth/lines.ts";
import { compareLine, comparePlane } from "../../truth/maps.ts";
import { dividePairs } from "../../truth/pairs.ts";
import { wideMoments, wideProductSum, wideSum } from "../../truth/reductions.ts";
import { reciprocalRoots, type Wide, wideMap, wideOf } from "../../truth/wide.ts";
import { hostArray } from "../data.ts";
import { withoutFused } from "../without-fused.ts";
import { type Call, type CoveredKernel, compareAdded } from "./calls.ts";
import { compareStepped, type RunningValues } from "./channel-kernels.ts";

const FACTOR = 0.75;
const FRACTION = Math.fround(0.9);

interface Blobs {
  readonly backend: Backend;
  readonly layer: Layer;
  readonly bottom: Blob;
  readonly top: Blob;
}

/**
 * At a mean of 10^6 deviations the mean's rounding is 0.06 deviations in float32: products of two such errors, which N-6
 * leaves out, count. So they do where two values lie so near to each other that dx is 0. Near the end of the dtype the square of the mean's rounding is infinite.
 */
function without(dtype: Dtype): readonly string[] {
  return dtype === "float32" ? ["edge", "offset-huge", "offset-1e6"] : ["edge", "offset-huge"];
}

/** The layer and its blobs, made by the first call of a row: a second one meets what that left. */
function blobsFor({ bench, g, inPlace, option }: Call, make: () => Layer): Blobs {
  const shape = [g.outer, g.channels, g.inner];
  const backend = bench.own("backend", () => ({
    value: option.includes("unfused") ? withoutFused(bench.backend) : bench.backend,
    dispose() {},
  })).value;
  const bottom = bench.own("bottom", () => createBlob(backend, shape, bench.dtype));
  const top = inPlace ? bottom : bench.own("top", () => createBlob(backend, [0], bench.dtype));
  const layer = bench.own("layer", () => {
    const made = make();
    made.setUp([bottom], [top]);
    return made;
  });
  bottom.reshape(shape);
  return { backend, layer, bottom, top };
}

/** Statistics from running sums: BN-6, N-8. */
function stored(p: Precision, running: RunningValues): WideStats {
  const over = (values: HostArray): Wide =>
    wideMap(values.length, (c) => dividePairs(values[c] as number, 0, running.factor[0] as number, 0));
  const [mean, variance] = [over(running.mean), over(running.variance)];
  const error = ({ hi }: Wide) =>
    globalBound(
      p,
      Array.from(hi, (value) => ({ hi: value, lo: 0 })),
    );
  return { mean, variance, errors: { mean: error(mean), variance: error(variance) } };
}

/** Option: where the statistics come from, whether there is beta, whether the fused kernels are used. */
async function normalization(call: Call, scaled: boolean): Promise<Comparison[]> {
  const { p, g, data, option } = call;
  const [mode = "train", bias] = option.split(" ");
  const eps = call.eps === 0 ? Math.fround(1e-5) : call.eps; // a constant channel has no variance
  const global = mode === "test";
  const params = {
    eps,
    phase: global ? "test" : "train",
    updateStats: mode !== "no-update",
    movingAverageFraction: 0.9,
  } as const;
  const biasTerm = scaled && bias === "bias";
  const { layer, bottom, top } = blobsFor(call, () =>
    scaled ? createBatchNormScale({ ...params, biasTerm }) : createBatchNorm(params),
  );
  const affine = scaled ? { gamma: data.gamma(), beta: biasTerm ? data.beta() : null } : null;
  const times = (values: HostArray, by: number) =>
    hostArray(
      p.dtype,
      values.map((value) => value * by),
    );
  const running = {
    mean: global ? times(data.mean(), FACTOR) : data.runningMean(),
    variance: global ? times(data.variance(), FACTOR) : data.runningVariance(),
    factor: hostArray(p.dtype, [FACTOR]),
  };
  const prior = { gamma: data.prior(0), beta: data.prior(1) };
  const [x, dy] = [data.x(), data.dy()];
  const written = [running.mean, running.variance, running.factor, affine?.gamma, affine?.beta];
  for (const [i, values] of written.entries()) if (values) layer.blobs[i]?.write(values);
  layer.blobs[3]?.writeDiff(prior.gamma);
  layer.blobs[4]?.writeDiff(prior.beta);
  bottom.write(x);
  layer.forward([bottom], [top]);
  const got = { y: await top.read(), running: await Promise.all(layer.blobs.slice(0, 3).map((blob) => blob.read())) };
  top.writeDiff(dy);
  layer.backward([top], [true], [bottom]);

  const m = g.outer * g.inner;
  const batch = global ? null : wideMoments(x, g, p.dtype);
  const stats = batch ? { ...batch, errors: momentErrors(p, batch, m) } : stored(p, running);
  const r = reciprocalRoots(stats.variance, eps);
  const sumDy = wideSum(dy, g, p.dtype);
  const sumDyXhat = wideProductSum(dy, x, g, stats.mean, r, p.dtype);
  const errors = gradSumErrors(p, sumDy, sumDyXhat, r, m, stats, eps);
  const gamma = affine?.gamma ?? null;
  const dx = await bottom.readDiff();
  const sums = { dy: sumDy.sum, dyXhat: sumDyXhat.sum, errors };
  const update = mode === "train";
  const correction = m > 1 ? m / (m - 1) : 1;
  const done = [
    compareLine("top", got.y, x, g, p.dtype, normalizeLine(p, stats, eps, affine)),
    global
      ? compareLine("bottom.diff", dx, dy, g, p.dtype, gradientLine(p, stats, eps, gamma))
      : comparePlane("bottom.diff", dx, dy, x, g, p.dtype, gradientPlane(p, stats, eps, gamma, sums, m)),
    ...compareStepped(p, got.running, running, update ? stats : null, FRACTION, correction, "blobs"),
  ];
  if (affine) {
    const diffs = await Promise.all(layer.blobs.slice(3).map((blob) => blob.readDiff()));
    done.push(compareAdded(p, "blobs[3].diff", diffs[0] as HostArray, prior.gamma, sumDyXhat.sum, errors.dyXhat));
    if (biasTerm) done.push(compareAdded(p, "blobs[4].diff", diffs[1] as HostArray, prior.beta, sumDy.sum, errors.dy));
  }
  return done;
}

const MODES = ["train", "test", "no-update"];

const batchNorm: CoveredKernel = {
  name: "BatchNorm",
  clause: "BN-5",
  options: MODES.flatMap((mode) => [`${mode} plain`, `${mode} plain unfused`]),
  mayAlias: true,
  over: "tensor",
  fixedChannels: true,
  without,
  run: (call) => normalization(call, false),
};

const batchNormScale: CoveredKernel = {
  name: "BatchNormScale",
  clause: "BS-1",
  options: MODES.flatMap((mode) => ["bias", "no-bias", "bias unfused"].map((rest) => `${mode} ${rest}`)),
  mayAlias: true,
  over: "tensor",
  fixedChannels: true,
  without,
  run: (call) => normalization(call, true),
};

/** Option: with or without bias. */
const scale: CoveredKernel = {
  name: "Scale",
  clause: "S-1",
  options: ["bias", "no-bias"],
  mayAlias: true,
  over: "tensor",
  fixedChannels: true,
  without,
  async run(call) {
    const { p, g, data, option } = call;
    const biasTerm = option === "bias";
    const { layer, bottom, top } = blobsFor(call, () => createScale({ biasTerm }));
    const affine = { gamma: data.gamma(), beta: biasTerm ? data.beta() : null };
    const prior = { gamma: data.prior(0), beta: data.prior(1) };
    const [x, dy] = [data.x(), data.dy()];
    layer.blobs[0]?.write(affine.gamma);
    layer.blobs[0]?.writeDiff(prior.gamma);
    if (affine.beta) layer.blobs[1]?.write(affine.beta);
    layer.blobs[1]?.writeDiff(prior.beta);
    bottom.write(x);
    layer.forward([bottom], [top]);
    const y = await top.read();
    top.writeDiff(dy);
    layer.backward([top], [true], [bottom]);
    const m = g.outer * g.inner;
    const none = wideOf(new Float64Array(g.channels));
    const one = wideOf(new Float64Array(g.channels).fill(1));
    const error = (size: Float64Array) => size.map((sum) => sumFactor(p, m) * sum + m * p.eta);
    const [product, sum] = [wideProductSum(dy, x, g, none, one, p.dtype), wideSum(dy, g, p.dtype)];
    const diffs = await Promise.all(layer.blobs.map((blob) => blob.readDiff()));
    const dx = await bottom.readDiff();
    const done = [
      compareLine("top", y, x, g, p.dtype, scaleLine(p, affine)),
      compareLine("bottom.diff", dx, dy, g, p.dtype, scaleLine(p, { gamma: affine.gamma, beta: null })),
      compareAdded(p, "blobs[0].diff", diffs[0] as HostArray, prior.gamma, product.sum, error(product.size)),
    ];
    if (biasTerm)
      done.push(compareAdded(p, "blobs[1].diff", diffs[1] as HostArray, prior.beta, sum.sum, error(sum.size)));
    return done;
  },
};

export const LAYERS = [batchNorm, batchNormScale, scale];
