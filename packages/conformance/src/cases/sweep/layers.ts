import { createBatchNorm, createBatchNormScale, type HostArray } from "@bn/core";
import type { Comparison } from "../../case.ts";
import { gradientLine, gradientPlane, normalizeLine } from "../../truth/lines.ts";
import { compareLine, comparePlane } from "../../truth/maps.ts";
import { hostArray } from "../data.ts";
import { type Call, type CoveredKernel, compareAdded } from "./calls.ts";
import { compareStepped, storedStats } from "./channel-kernels.ts";
import { blobsFor, cleared, runPasses, without, wordsOf } from "./layer-blobs.ts";
import { scale } from "./scale-layer.ts";
import { gradSumsOf, gradsOf, momentsOf } from "./sums.ts";

const FACTOR = 0.75;
const FRACTION = Math.fround(0.9);

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
  const blobs = blobsFor(call, () =>
    scaled ? createBatchNormScale({ ...params, axis, biasTerm }) : createBatchNorm({ ...params, axis }),
  );
  const { layer, down } = blobs;
  const affine = scaled ? { gamma: data.gamma(), beta: biasTerm ? data.beta() : null } : null;
  const times = (values: HostArray) => values.map((value) => value * FACTOR);
  const running = {
    mean: global ? times(data.mean()) : data.runningMean(),
    variance: global ? times(data.variance()) : data.runningVariance(),
    factor: hostArray(p.dtype, [FACTOR]),
  };
  const prior = { gamma: data.prior(0), beta: data.prior(1) };
  const [x, dy] = [data.x(), data.dy()];
  const written = [running.mean, running.variance, running.factor, affine?.gamma, affine?.beta];
  for (const [i, values] of written.entries()) if (values) layer.blobs[i]?.write(values);
  layer.blobs[3]?.writeDiff(prior.gamma);
  layer.blobs[4]?.writeDiff(prior.beta);
  const { y, dx, kept } = await runPasses(call, blobs, x, dy);
  const got = await Promise.all(layer.blobs.slice(0, 3).map((blob) => blob.read()));

  const m = g.outer * g.inner;
  const stats = global ? storedStats(p, running) : momentsOf(p, x, g);
  const sums = gradSumsOf(p, dy, x, g, stats, eps);
  const gamma = affine?.gamma ?? null;
  const update = mode === "train";
  const correction = m > 1 ? m / (m - 1) : 1;
  const compareGradient = () =>
    global
      ? compareLine("bottom.diff", dx, dy, g, p.dtype, gradientLine(p, stats, eps, gamma))
      : comparePlane("bottom.diff", dx, dy, x, g, p.dtype, gradientPlane(p, stats, eps, sums.r, gamma, sums, m));
  const done = [
    compareLine("top", y, x, g, p.dtype, normalizeLine(p, stats, eps, affine)),
    ...kept,
    ...(down[0] ? [compareGradient()] : []),
    ...compareStepped(p, got, running, update ? stats : null, FRACTION, correction, "blobs"),
  ];
  if (affine) {
    const grads = gradsOf(sums);
    const diffs = await Promise.all(layer.blobs.slice(3).map((blob) => blob.readDiff()));
    done.push(compareAdded(p, "blobs[3].diff", diffs[0] as HostArray, prior.gamma, grads.gamma));
    if (biasTerm) done.push(compareAdded(p, "blobs[4].diff", diffs[1] as HostArray, prior.beta, grads.beta));
  }
  const learnt = affine ? [affine.gamma, ...(affine.beta ? [affine.beta] : [])] : [];
  return [...done, ...(await cleared(layer, learnt))];
}

const MODES = ["train", "test", "no-update"];

const NORMALIZATION = { mayAlias: true, fixedChannels: true, without } as const;

const batchNorm: CoveredKernel = {
  ...NORMALIZATION,
  name: "BatchNorm",
  clause: "BN-5",
  options: [
    ...MODES.flatMap((mode) => [`${mode} plain`, `${mode} plain unfused`]),
    "train plain no-down rank-4",
    "test plain no-down",
  ],
  run: (call) => normalization(call, false),
};

const batchNormScale: CoveredKernel = {
  ...NORMALIZATION,
  name: "BatchNormScale",
  clause: "BS-1",
  options: [
    ...MODES.flatMap((mode) => ["bias", "no-bias", "bias unfused"].map((rest) => `${mode} ${rest}`)),
    "train bias no-down rank-4",
    "test no-bias no-down",
    "no-update bias unfused no-down",
  ],
  run: (call) => normalization(call, true),
};

export const LAYERS = [batchNorm, batchNormScale, scale];
