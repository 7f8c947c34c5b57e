import { createBatchNorm, createBatchNormScale, createScale } from "@bn/core";
import type { Comparison } from "../../case.ts";
import { backwardTruth, batchStats, check, perChannel, storedStats } from "../../truth/truth.ts";
import { affineFor, freshRunning } from "../layer-kit.ts";
import { exactly, G, plain, ROW, type Run, SHAPE, type StateRow } from "./tools.ts";

/**
 * L-5: a later layer works in place on top, and backward must still use the x^ of this layer. Backward then runs a
 * second time.
 */
const overwrittenTop: Run = async (t) => {
  const affine = affineFor(t.seed, 3, t.dtype);
  const done: Comparison[] = [];
  for (const inPlace of [false, true]) {
    const layer = t.own(createBatchNormScale({ biasTerm: true }));
    const x = t.x("x", SHAPE);
    const dy = t.dy("dy", SHAPE);
    const bottom = t.filled(SHAPE, x);
    const top = inPlace ? bottom : t.blob();
    layer.setUp([bottom], [top]);
    layer.blobs[3]?.write(affine.gamma);
    layer.blobs[4]?.write(affine.beta);
    layer.forward([bottom], [top]);
    t.backend.kernels.fill(top.count(), 0.5, top.data);
    const problem = { ...plain(x), affine: affine.truth };
    const stats = batchStats(t.p, x, G);
    for (const times of [1, 2]) {
      top.writeDiff(dy);
      layer.backward([top], [true], [bottom]);
      const what = `${inPlace ? "in place" : "apart"}, backward ${times}`;
      const expected = backwardTruth(t.p, problem, dy, stats, times);
      done.push(
        check(`bottom.diff ${what}`, await bottom.readDiff(), expected.dx, G),
        check(`blobs[3].diff ${what}`, (await layer.blobs[3]?.readDiff()) ?? [], expected.dGamma, ROW),
        check(`blobs[4].diff ${what}`, (await layer.blobs[4]?.readDiff()) ?? [], expected.dBeta, ROW),
      );
    }
    layer.clearParamDiffs();
    for (const i of [3, 4]) {
      const got = (await layer.blobs[i]?.readDiff()) ?? [];
      done.push(check(`blobs[${i}].diff cleared`, got, exactly([0, 0, 0]), ROW));
    }
  }
  return done;
};

/**
 * L-7: bottom's diff is overwritten. L-6: with propagateDown false it is left alone, and learnt gradients are still
 * computed.
 */
const propagateDown: Run = async (t) => {
  const affine = affineFor(t.seed, 3, t.dtype);
  const done: Comparison[] = [];
  for (const [mode, phase] of [
    ["batch", "train"],
    ["global", "test"],
  ] as const) {
    const layer = t.own(createBatchNormScale({ biasTerm: true, phase }));
    const x = t.x("x", SHAPE);
    const dy = t.dy("dy", SHAPE);
    const [bottom, top] = [t.filled(SHAPE, x), t.blob()];
    layer.setUp([bottom], [top]);
    layer.blobs[3]?.write(affine.gamma);
    layer.blobs[4]?.write(affine.beta);
    layer.forward([bottom], [top]);
    const old = t.dy("old", SHAPE);
    bottom.writeDiff(old);
    top.writeDiff(dy);
    layer.backward([top], [false], [bottom]);
    const stats = phase === "train" ? batchStats(t.p, x, G) : storedStats(t.p, freshRunning(3));
    const problem = { ...plain(x), affine: affine.truth };
    const once = backwardTruth(t.p, problem, dy, stats);
    done.push(
      check(`bottom.diff kept, ${mode}`, await bottom.readDiff(), exactly(old), G),
      check(`top.diff kept, ${mode}`, await top.readDiff(), exactly(dy), G),
      check(`blobs[3].diff, ${mode}`, (await layer.blobs[3]?.readDiff()) ?? [], once.dGamma, ROW),
      check(`blobs[4].diff, ${mode}`, (await layer.blobs[4]?.readDiff()) ?? [], once.dBeta, ROW),
    );
    layer.backward([top], [true], [bottom]);
    const twice = backwardTruth(t.p, problem, dy, stats, 2);
    done.push(
      check(`bottom.diff overwritten, ${mode}`, await bottom.readDiff(), once.dx, G),
      check(`blobs[3].diff twice, ${mode}`, (await layer.blobs[3]?.readDiff()) ?? [], twice.dGamma, ROW),
    );
  }
  const scale = t.own(createScale({ biasTerm: true }));
  const [x, dy, old] = [t.x("x", SHAPE), t.dy("dy", SHAPE), t.dy("old", SHAPE)];
  const factor = t.filled([3], [1, 2, 3]);
  const [bottom, top] = [t.filled(SHAPE, x), t.blob()];
  scale.setUp([bottom, factor], [top]);
  scale.forward([bottom, factor], [top]);
  bottom.writeDiff(old);
  factor.writeDiff([7, 8, 9]);
  top.writeDiff(dy);
  scale.backward([top], [false, false], [bottom, factor]);
  done.push(
    check("Scale bottom[0].diff kept", await bottom.readDiff(), exactly(old), G),
    check("Scale bottom[1].diff kept", await factor.readDiff(), exactly([7, 8, 9]), ROW),
  );
  return done;
};

/** BatchNorm's own statistics have no gradient, and a second backward gives the same result. */
const noGradientOfStatistics: Run = async (t) => {
  const layer = t.own(createBatchNorm());
  const [x, dy] = [t.x("x", SHAPE), t.dy("dy", SHAPE)];
  const [bottom, top] = [t.filled(SHAPE, x), t.blob()];
  layer.setUp([bottom], [top]);
  layer.forward([bottom], [top]);
  top.writeDiff(dy);
  layer.backward([top], [true], [bottom]);
  bottom.writeDiff(t.dy("old", SHAPE));
  layer.backward([top], [true], [bottom]);
  const expected = backwardTruth(t.p, plain(x), dy, batchStats(t.p, x, G));
  const diffs = await Promise.all(layer.blobs.map((blob) => blob.readDiff()));
  return [
    check("bottom.diff, backward 2", await bottom.readDiff(), expected.dx, G),
    ...diffs.map((diff, i) =>
      check(`blobs[${i}].diff`, diff, exactly(new Float64Array(diff.length)), perChannel(diff.length)),
    ),
  ];
};

export const BACKWARD: readonly StateRow[] = [
  { name: "overwritten-top", clause: "L-5", run: overwrittenTop },
  { name: "propagate-down", clause: "L-6", run: propagateDown },
  { name: "no-gradient-of-statistics", clause: "L-7", run: noGradientOfStatistics },
];
