import { createBatchNorm, createBatchNormScale } from "@bn/core";
import type { Comparison } from "../../case.ts";
import { correctionOf } from "../../truth/oracle.ts";
import { averaged, batchStats, check, forwardTruth, perChannel, runningTruth, storedStats } from "../../truth/truth.ts";
import { factors, hostArray } from "../data.ts";
import { freshRunning, geometryOf } from "../layer-kit.ts";
import { checkRunning, exactly, G, plain, type Run, SHAPE, type StateRow } from "./tools.ts";

/** With gamma 1, a BatchNormScale gives the same results as a BatchNorm. */
type Create = typeof createBatchNorm | typeof createBatchNormScale;

/** BN-7 over several steps of several sizes, then BN-6 on the resulting sums, in a layer that shares the blobs. */
const steps =
  (fraction: number, phase: "train" | "test", create: Create = createBatchNorm): Run =>
  async (t) => {
    const params = phase === "test" ? { phase, useGlobalStats: false } : {};
    const layer = t.own(create({ movingAverageFraction: fraction, ...params }));
    const bottom = t.blob(SHAPE);
    const top = t.blob();
    layer.setUp([bottom], [top]);
    const done: Comparison[] = [];
    let running = runningTruth(freshRunning(3));
    for (const [step, shape] of [SHAPE, [2, 3, 1, 1], [1, 3], SHAPE].entries()) {
      const g = geometryOf(shape);
      const x = t.x(`step ${step}`, shape);
      bottom.reshape(shape);
      bottom.write(x);
      layer.forward([bottom], [top]);
      const stats = batchStats(t.p, x, g);
      running = averaged(t.p, running, stats, Math.fround(fraction), correctionOf(g));
      done.push(check(`top after step ${step}`, await top.read(), forwardTruth(t.p, plain(x, shape), stats), g));
      done.push(...(await checkRunning(`after step ${step}`, layer.blobs, running, t.p)));
    }
    // The inputs of the test layer are exactly the numbers that the train layer stored.
    const stored = await Promise.all(layer.blobs.map((blob) => blob.read()));
    const test = t.own(create({ phase: "test", blobs: layer.blobs }));
    const x = t.x("test", SHAPE);
    const testBottom = t.filled(SHAPE, x);
    const testTop = t.blob();
    test.setUp([testBottom], [testTop]);
    test.forward([testBottom], [testTop]);
    const [mean, variance, factor] = stored.map((values) => Array.from(values, (hi) => ({ hi, lo: 0 })));
    const stats = storedStats(t.p, {
      mean: mean ?? [],
      variance: variance ?? [],
      factor: factor?.[0] ?? { hi: 0, lo: 0 },
    });
    done.push(check("top of the test layer", await testTop.read(), forwardTruth(t.p, plain(x), stats), G));
    for (const [i, blob] of layer.blobs.entries()) {
      const what = `blobs[${i}] after the test layer`;
      done.push(check(what, await blob.read(), exactly(stored[i] ?? []), perChannel(blob.count())));
    }
    return done;
  };

/** BN-6: with factor 0, mean and variance are 0, whatever the sums are. */
const factorZero: Run = async (t) => {
  const layer = t.own(createBatchNorm({ phase: "test" }));
  const x = t.x("x", SHAPE);
  const [bottom, top] = [t.filled(SHAPE, x), t.blob()];
  layer.setUp([bottom], [top]);
  layer.blobs[0]?.write([1, 2, 3]);
  layer.blobs[1]?.write([4, 5, 6]);
  layer.forward([bottom], [top]);
  const stats = storedStats(t.p, freshRunning(3));
  return [check("top", await top.read(), forwardTruth(t.p, plain(x), stats), G)];
};

/**
 * BN-3: the phase decides if useGlobalStats is unset, and only then. The stored statistics are all 0, so the tops show
 * which statistics were used.
 */
const whichStatistics =
  (create: Create): Run =>
  async (t) => {
    const x = t.x("x", SHAPE);
    const bottom = t.filled(SHAPE, x);
    const [batch, stored] = [batchStats(t.p, x, G), storedStats(t.p, freshRunning(3))];
    const done: Comparison[] = [];
    for (const [params, stats] of [
      [{}, batch],
      [{ phase: "train" }, batch],
      [{ phase: "test" }, stored],
      [{ phase: "train", useGlobalStats: true }, stored],
      [{ phase: "test", useGlobalStats: false }, batch],
    ] as const) {
      const layer = t.own(create(params));
      const top = t.blob();
      layer.setUp([bottom], [top]);
      layer.forward([bottom], [top]);
      done.push(check(`top with ${JSON.stringify(params)}`, await top.read(), forwardTruth(t.p, plain(x), stats), G));
    }
    return done;
  };

/** BN-6: a negative stored variance larger than eps gives NaN, in its channel alone. */
const negativeVariance: Run = async (t) => {
  const layer = t.own(createBatchNorm({ phase: "test" }));
  const x = t.x("x", SHAPE);
  const [bottom, top] = [t.filled(SHAPE, x), t.blob()];
  layer.setUp([bottom], [top]);
  const running = { mean: [0, 1, 2], variance: [1, -0.5, 2], factor: 1 };
  layer.blobs[0]?.write(running.mean);
  layer.blobs[1]?.write(running.variance);
  layer.blobs[2]?.write([1]);
  layer.forward([bottom], [top]);
  const wide = (values: number[]) => values.map((hi) => ({ hi, lo: 0 }));
  const stats = storedStats(t.p, {
    mean: wide(running.mean),
    variance: wide(running.variance),
    factor: { hi: 1, lo: 0 },
  });
  return [check("top", await top.read(), forwardTruth(t.p, plain(x), stats), G)];
};

/** BN-2: eps and the fraction are rounded to float32, even in float64. */
const roundedParams: Run = async (t) => {
  const layer = t.own(createBatchNorm({ eps: 0.1, movingAverageFraction: 0.7 }));
  const x = hostArray(
    t.dtype,
    SHAPE.reduce((a, b) => a * b),
  ).map((_, i) => (i % 2) / 2);
  const [bottom, top] = [t.filled(SHAPE, x), t.blob()];
  layer.setUp([bottom], [top]);
  const before = factors(t.seed, 3, t.dtype, true);
  layer.blobs[0]?.write(before);
  layer.forward([bottom], [top]);
  const stats = batchStats(t.p, x, G);
  const zero = freshRunning(3);
  const start = runningTruth({ ...zero, mean: Array.from(before, (hi) => ({ hi, lo: 0 })) });
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
