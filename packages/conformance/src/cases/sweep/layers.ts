import { createBatchNorm, createBatchNormScale, type HostArray } from "@bn/core";
import type { Comparison } from "../../case.ts";
import type { Precision } from "../../truth/bounds.ts";
import { exactly } from "../../truth/exact.ts";
import {
  gradientLine,
  gradientPlane,
  gradSumErrors,
  momentErrors,
  normalizeLine,
  storedErrors,
  type WideStats,
} from "../../truth/lines.ts";
import { compareLine, comparePlane } from "../../truth/maps.ts";
import { wideMoments, wideSums } from "../../truth/reductions.ts";
import { dividedBy, reciprocalRoots, wideOf } from "../../truth/wide.ts";
import { hostArray } from "../data.ts";
import { type Call, type CoveredKernel, compareAdded } from "./calls.ts";
import { compareStepped, type RunningValues } from "./channel-kernels.ts";
import { blobsFor, cleared, without, wordsOf } from "./layer-blobs.ts";
import { scale } from "./scale-layer.ts";

const FACTOR = 0.75;
const FRACTION = Math.fround(0.9);

/** The statistics computed from running sums (BN-6, N-8). */
function stored(p: Precision, running: RunningValues): WideStats {
  const over = (values: HostArray) => dividedBy(wideOf(values), running.factor[0] as number, p.dtype);
  const [mean, variance] = [over(running.mean), over(running.variance)];
  return { mean, variance, errors: { mean: storedErrors(p, mean), variance: storedErrors(p, variance) } };
}

/** The option chooses the source of the statistics, whether there is beta, and whether the fused kernels are used. */
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
  const axis = wordsOf(option)("rank-4") ? 2 : 1;
  const { layer, bottom, top, down } = blobsFor(call, () =>
    scaled ? createBatchNormScale({ ...params, axis, biasTerm }) : createBatchNorm({ ...params, axis }),
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
  const old = call.inPlace ? dy : x;
  if (!down[0]) bottom.writeDiff(old);
  top.writeDiff(dy);
  layer.backward([top], down, [bottom]);

  const m = g.outer * g.inner;
  const batch = global ? null : wideMoments(x, g, p.dtype);
  const stats = batch ? { ...batch, errors: momentErrors(p, batch, m) } : stored(p, running);
  const r = reciprocalRoots(stats.variance, eps, p.dtype);
  const { dy: sumDy, dyXhat: sumDyXhat } = wideSums(dy, x, g, stats.mean, r, p.dtype);
  const errors = gradSumErrors(p, sumDy, sumDyXhat, r, m, stats, eps);
  const gamma = affine?.gamma ?? null;
  const dx = await bottom.readDiff();
  const sums = { dy: sumDy.sum, dyXhat: sumDyXhat.sum, errors };
  const update = mode === "train";
  const correction = m > 1 ? m / (m - 1) : 1;
  const done = [
    compareLine("top", got.y, x, g, p.dtype, normalizeLine(p, stats, eps, affine)),
    exactly("top after backward", await top.read(), got.y),
    ...(call.inPlace ? [] : [exactly("top.diff after backward", await top.readDiff(), dy)]),
    !down[0]
      ? exactly("bottom.diff without propagateDown", dx, old)
      : global
        ? compareLine("bottom.diff", dx, dy, g, p.dtype, gradientLine(p, stats, eps, gamma))
        : comparePlane("bottom.diff", dx, dy, x, g, p.dtype, gradientPlane(p, stats, eps, r, gamma, sums, m)),
    ...compareStepped(p, got.running, running, update ? stats : null, FRACTION, correction, "blobs"),
  ];
  if (affine) {
    const diffs = await Promise.all(layer.blobs.slice(3).map((blob) => blob.readDiff()));
    done.push(compareAdded(p, "blobs[3].diff", diffs[0] as HostArray, prior.gamma, sumDyXhat.sum, errors.dyXhat));
    if (biasTerm) done.push(compareAdded(p, "blobs[4].diff", diffs[1] as HostArray, prior.beta, sumDy.sum, errors.dy));
  }
  const learnt = affine ? [affine.gamma, ...(affine.beta ? [affine.beta] : [])] : [];
  return [...done, ...(await cleared(layer, learnt))];
}

const MODES = ["train", "test", "no-update"];

const batchNorm: CoveredKernel = {
  name: "BatchNorm",
  clause: "BN-5",
  options: [
    ...MODES.flatMap((mode) => [`${mode} plain`, `${mode} plain unfused`]),
    "train plain no-down rank-4",
    "test plain no-down",
  ],
  mayAlias: true,
  over: "tensor",
  fixedChannels: true,
  without,
  run: (call) => normalization(call, false),
};

const batchNormScale: CoveredKernel = {
  name: "BatchNormScale",
  clause: "BS-1",
  options: [
    ...MODES.flatMap((mode) => ["bias", "no-bias", "bias unfused"].map((rest) => `${mode} ${rest}`)),
    "train bias no-down rank-4",
    "test no-bias no-down",
    "no-update bias unfused no-down",
  ],
  mayAlias: true,
  over: "tensor",
  fixedChannels: true,
  without,
  run: (call) => normalization(call, true),
};

export const LAYERS = [batchNorm, batchNormScale, scale];
