import { createBatchNorm, createBatchNormScale } from "@bn/core";
import type { Comparison } from "../../case.ts";
import { dd } from "../../truth/dd.ts";
import { channelsOf, correctionOf, type RunningStats } from "../../truth/oracle.ts";
import { averaged, batchStats, check, forwardTruth, perChannel, runningTruth, storedStats } from "../../truth/truth.ts";
import { factors, hostArray } from "../data.ts";
import { freshRunning, geometryOf } from "../layer-kit.ts";
import { checkRunning, countOf, exactly, G, plain, type Run, SHAPE, type StateRow } from "./tools.ts";

/** With gamma 1, a BatchNormScale gives the same results as a BatchNorm. */
type Create = typeof createBatchNorm | typeof createBatchNormScale;

/** BN-7 over several steps of several sizes, then BN-6 on the resulting sums, in a layer that shares the blobs. */
const steps =
  (fraction: number, phase: "train" | "test", create: Create = createBatchNorm): Run =>
  async (t) => {
    const params = phase === "test" ? { phase, useGlobalStats: false } : {};
    const { layer, bottom, top, forward } = t.single(create({ movingAverageFraction: fraction, ...params }), SHAPE);
    const done: Comparison[] = [];
    let running = runningTruth(freshRunning(3));
    for (const [step, shape] of [SHAPE, [2, 3, 1, 1], [1, 3], SHAPE].entries()) {
      const g = geometryOf(shape);
      const x = t.x(`step ${step}`, shape);
      bottom.reshape(shape);
      bottom.write(x);
      forward();
      const stats = batchStats(t.p, x, g);
      running = averaged(t.p, running, stats, Math.fround(fraction), correctionOf(g));
      done.push(check(`top after step ${step}`, await top.read(), forwardTruth(t.p, plain(x, shape), stats), g));
      done.push(...(await checkRunning(`after step ${step}`, layer.blobs, running, t.p)));
    }
    // The inputs of the test layer are exactly the numbers that the train layer stored.
    const stored = await Promise.all(layer.blobs.map((blob) => blob.read()));
    const x = t.x("test");
    const test = t.single(create({ phase: "test", blobs: layer.blobs }), SHAPE, x);
    test.forward();
    const stats = storedStats(t.p, runningOf(stored));
    done.push(check("top of the test layer", await test.top.read(), forwardTruth(t.p, plain(x), stats), G));
    for (const [i, blob] of layer.blobs.entries()) {
      const what = `blobs[${i}] after the test layer`;
      done.push(check(what, await blob.read(), exactly(stored[i] ?? []), perChannel(blob.count())));
    }
    return done;
  };

/** BN-6: with factor 0, mean and variance are 0, whatever the sums are. */
const factorZero: Run = (t) => checkStored(t, [1, 2, 3], [4, 5, 6], 0);

/** Compares the top of a BatchNorm with these stored statistics. */
async function checkStored(t: Parameters<Run>[0], mean: number[], variance: number[], factor: number) {
  const x = t.x("x");
  const layer = t.single(createBatchNorm({ phase: "test" }), SHAPE, x);
  const running = [mean, variance, [factor]];
  layer.write(0, ...running);
  layer.forward();
  const stats = storedStats(t.p, runningOf(running));
  return [check("top", await layer.top.read(), forwardTruth(t.p, plain(x), stats), G)];
}

/** Stored statistics as the oracle takes them. */
function runningOf([mean = [], variance = [], factor = []]: readonly ArrayLike<number>[]): RunningStats {
  return { mean: channelsOf(mean), variance: channelsOf(variance), factor: dd(factor[0] ?? 0) };
}

/**
 * BN-3: the phase decides if useGlobalStats is unset, and only then. The stored statistics are all 0, so the tops show
 * which statistics were used.
 */
const whichStatistics =
  (create: Create): Run =>
  async (t) => {
    const x = t.x("x");
    const [batch, stored] = [batchStats(t.p, x, G), storedStats(t.p, freshRunning(3))];
    const done: Comparison[] = [];
    for (const [params, stats] of [
      [{}, batch],
      [{ phase: "train" }, batch],
      [{ phase: "test" }, stored],
      [{ phase: "train", useGlobalStats: true }, stored],
      [{ phase: "test", useGlobalStats: false }, batch],
    ] as const) {
      const { top, forward } = t.single(create(params), SHAPE, x);
      forward();
      done.push(check(`top with ${JSON.stringify(params)}`, await top.read(), forwardTruth(t.p, plain(x), stats), G));
    }
    return done;
  };

/** BN-6: a negative stored variance larger than eps gives NaN, in its channel alone. */
const negativeVariance: Run = (t) => checkStored(t, [0, 1, 2], [1, -0.5, 2], 1);

/** BN-2: eps and the fraction are rounded to float32, even in float64. */
const roundedParams: Run = async (t) => {
  const x = hostArray(t.dtype, countOf(SHAPE)).map((_, i) => (i % 2) / 2);
  const { layer, top, write, forward } = t.single(createBatchNorm({ eps: 0.1, movingAverageFraction: 0.7 }), SHAPE, x);
  const before = factors(t.id, 3, t.dtype, true);
  write(0, before);
  forward();
  const stats = batchStats(t.p, x, G);
  const start = runningTruth({ ...freshRunning(3), mean: channelsOf(before) });
  const after = averaged(t.p, start, stats, Math.fround(0.7), correctionOf(G));
  return [
    check("top", await top.read(), forwardTruth(t.p, plain(x, SHAPE, Math.fround(0.1)), stats), G),
    ...(await checkRunning("after", layer.blobs, after, t.p)),
  ];
};

export const STATISTICS: readonly StateRow[] = [
  { name: "moving-average", clause: "BN-7", run: steps(0.999, "train") },
  { name: "moving-average-of-the-last", clause: "BN-7", run: steps(0, "train") },
  { name: "moving-average-of-all", clause: "BN-7", run: steps(1, "train") },
  { name: "moving-average-in-test-phase", clause: "BN-7", run: steps(0.9, "test") },
  { name: "which-statistics", clause: "BN-3", run: whichStatistics(createBatchNorm) },
  { name: "which-statistics-with-scale", clause: "BN-3", run: whichStatistics(createBatchNormScale) },
  { name: "moving-average-of-the-last-with-scale", clause: "BN-7", run: steps(0, "train", createBatchNormScale) },
  { name: "factor-0", clause: "BN-6", run: factorZero },
  { name: "rounded-parameters", clause: "BN-2", run: roundedParams },
  { name: "negative-variance", clause: "BN-6", needs: { nonFinite: true }, run: negativeVariance },
];
