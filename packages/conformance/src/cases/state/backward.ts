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
  const affine = affineFor(t.id, 3, t.dtype);
  const done: Comparison[] = [];
  for (const inPlace of [false, true]) {
    const [x, dy] = [t.x("x"), t.dy("dy")];
    const norm = t.single(createBatchNormScale({ biasTerm: true }), SHAPE, x, inPlace);
    norm.write(3, affine.gamma, affine.beta);
    norm.forward();
    t.backend.kernels.fill(norm.top.count(), 0.5, norm.top.data);
    const problem = { ...plain(x), affine: affine.truth };
    const stats = batchStats(t.p, x, G);
    for (const times of [1, 2]) {
      norm.backward(dy);
      const what = `${inPlace ? "in place" : "apart"}, backward ${times}`;
      const expected = backwardTruth(t.p, problem, dy, stats, times);
      done.push(
        check(`bottom.diff ${what}`, await norm.bottom.readDiff(), expected.dx, G),
        check(`blobs[3].diff ${what}`, await norm.readDiff(3), expected.dGamma, ROW),
        check(`blobs[4].diff ${what}`, await norm.readDiff(4), expected.dBeta, ROW),
      );
    }
    norm.layer.clearParamDiffs();
    for (const i of [3, 4]) {
      done.push(check(`blobs[${i}].diff cleared`, await norm.readDiff(i), exactly([0, 0, 0]), ROW));
    }
  }
  return done;
};

/**
 * L-7: bottom's diff is overwritten. L-6: with propagateDown false it is left alone, and learnt gradients are still
 * computed.
 */
const propagateDown: Run = async (t) => {
  const affine = affineFor(t.id, 3, t.dtype);
  const [x, dy, old] = [t.x("x"), t.dy("dy"), t.dy("old")];
  const done: Comparison[] = [];
  for (const [mode, phase] of [
    ["batch", "train"],
    ["global", "test"],
  ] as const) {
    const norm = t.single(createBatchNormScale({ biasTerm: true, phase }), SHAPE, x);
    const { bottom, top } = norm;
    norm.write(3, affine.gamma, affine.beta);
    norm.forward();
    bottom.writeDiff(old);
    norm.backward(dy, false);
    const stats = phase === "train" ? batchStats(t.p, x, G) : storedStats(t.p, freshRunning(3));
    const problem = { ...plain(x), affine: affine.truth };
    const once = backwardTruth(t.p, problem, dy, stats);
    done.push(
      check(`bottom.diff kept, ${mode}`, await bottom.readDiff(), exactly(old), G),
      check(`top.diff kept, ${mode}`, await top.readDiff(), exactly(dy), G),
      check(`blobs[3].diff, ${mode}`, await norm.readDiff(3), once.dGamma, ROW),
      check(`blobs[4].diff, ${mode}`, await norm.readDiff(4), once.dBeta, ROW),
    );
    norm.layer.backward([top], [true], [bottom]); // top.diff is as it was
    const twice = backwardTruth(t.p, problem, dy, stats, 2);
    done.push(
      check(`bottom.diff overwritten, ${mode}`, await bottom.readDiff(), once.dx, G),
      check(`blobs[3].diff twice, ${mode}`, await norm.readDiff(3), twice.dGamma, ROW),
    );
  }
  const scale = t.own(createScale({ biasTerm: true }));
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
  const [x, dy] = [t.x("x"), t.dy("dy")];
  const { layer, bottom, top, forward, backward } = t.single(createBatchNorm(), SHAPE, x);
  forward();
  backward(dy);
  bottom.writeDiff(t.dy("old"));
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
