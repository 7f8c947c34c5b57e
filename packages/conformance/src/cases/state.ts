import { type Blob, createBatchNorm, createBatchNormScale, createScale, type Dtype, type HostArray } from "@bn/core";
import { type Precision, precisionOf } from "../bounds.ts";
import type { Case, Comparison } from "../case.ts";
import { DTYPES, factors, hostArray, normals, OFFSET, sample } from "../data.ts";
import { withoutFused } from "../fused.ts";
import { correctionOf } from "../oracle.ts";
import {
  averaged,
  backwardTruth,
  batchStats,
  check,
  forwardTruth,
  perChannel,
  type RunningTruth,
  runningTruth,
  storedStats,
  type Truth,
  truthOf,
} from "../truth.ts";
import { affineFor, freshRunning, geometryOf, type Scope, withScope } from "./layer-kit.ts";

/** Everything that a run of the table below works with. */
interface Tools extends Scope {
  readonly dtype: Dtype;
  readonly p: Precision;
  readonly seed: string;
  /** Data with a mean, by tag. */
  x(tag: string, shape: readonly number[]): HostArray;
  dy(tag: string, shape: readonly number[]): HostArray;
}
type Run = (t: Tools) => Promise<Comparison[]>;

const SHAPE = [4, 3, 5, 5];
const G = geometryOf(SHAPE);
const ROW = perChannel(3);
const EPS = Math.fround(1e-5);
const FRACTION = Math.fround(0.999);

function exactly(values: ArrayLike<number>): Truth {
  return { expected: Float64Array.from(values), bound: new Float64Array(values.length) };
}

const plain = (x: HostArray, shape: readonly number[] = SHAPE, eps = EPS) => ({
  x,
  g: geometryOf(shape),
  eps,
  affine: null,
});

async function checkRunning(what: string, blobs: readonly Blob[], { running, errors }: RunningTruth, p: Precision) {
  const values = [running.mean, running.variance, [running.factor]] as const;
  const bounds = [errors.mean, errors.variance, errors.factor] as const;
  return Promise.all(
    ([0, 1, 2] as const).map(async (i) => {
      const got = (await blobs[i]?.read()) ?? [];
      return check(`blobs[${i}] ${what}`, got, truthOf(p, values[i], bounds[i]), perChannel(got.length));
    }),
  );
}

/** BN-7 over several steps of several sizes, then BN-6 on what they left, in a layer that shares the blobs. */
const steps =
  (fraction: number, phase: "train" | "test"): Run =>
  async (t) => {
    const params = phase === "test" ? { phase, useGlobalStats: false } : {};
    const layer = t.own(createBatchNorm({ movingAverageFraction: fraction, ...params }));
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
    // The test layer's own inputs are the very numbers that the train layer stored.
    const stored = await Promise.all(layer.blobs.map((blob) => blob.read()));
    const test = t.own(createBatchNorm({ phase: "test", blobs: layer.blobs }));
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

/** BN-6: factor 0 makes mean and variance 0, whatever the sums hold. */
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

/** BN-6: a negative stored variance beyond eps gives NaN, in its channel alone. */
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

/** L-5: a later layer works in place on top; backward still sees the x^ of this one. And again: backward twice. */
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

/** L-7: bottom's diff is overwritten; L-6: propagateDown false leaves it alone, and learnt gradients still come. */
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

/** BatchNorm's own statistics have no gradient. */
const noGradientOfStatistics: Run = async (t) => {
  const layer = t.own(createBatchNorm());
  const [bottom, top] = [t.filled(SHAPE, t.x("x", SHAPE)), t.blob()];
  layer.setUp([bottom], [top]);
  layer.forward([bottom], [top]);
  top.writeDiff(t.dy("dy", SHAPE));
  layer.backward([top], [true], [bottom]);
  const diffs = await Promise.all(layer.blobs.map((blob) => blob.readDiff()));
  return diffs.map((diff, i) =>
    check(`blobs[${i}].diff`, diff, exactly(new Float64Array(diff.length)), perChannel(diff.length)),
  );
};

/** L-2: N, spatial sizes and rank change from call to call, also smaller and larger again; each forward and backward. */
const reshapes: Run = async (t) => {
  const done: Comparison[] = [];
  for (const inPlace of [false, true]) {
    const layer = t.own(createBatchNorm({ updateStats: false }));
    const bottom = t.blob(SHAPE);
    const top = inPlace ? bottom : t.blob();
    layer.setUp([bottom], [top]);
    for (const shape of [SHAPE, [2, 3, 5, 5], [9, 3, 11, 7], [5, 3], [2, 3, 4], [1, 3, 2, 2, 2], SHAPE]) {
      const g = geometryOf(shape);
      const x = t.x(shape.join("x"), shape);
      const dy = t.dy(shape.join("x"), shape);
      bottom.reshape(shape);
      bottom.write(x);
      layer.forward([bottom], [top]);
      if (`${top.shape}` !== `${shape}`) throw new Error(`top has shape [${top.shape}], expected [${shape}]`);
      const stats = batchStats(t.p, x, g);
      const what = `${shape.join("x")}${inPlace ? " in place" : ""}`;
      done.push(check(`top ${what}`, await top.read(), forwardTruth(t.p, plain(x, shape), stats), g));
      top.writeDiff(dy);
      layer.backward([top], [true], [bottom]);
      const { dx } = backwardTruth(t.p, plain(x, shape), dy, stats);
      done.push(check(`bottom.diff ${what}`, await bottom.readDiff(), dx, g));
    }
  }
  return done;
};

/** BS-3: BatchNormScale and BatchNorm + Scale over the same five blobs, each after the other. */
const sharedBlobs: Run = async (t) => {
  const affine = affineFor(t.seed, 3, t.dtype);
  const [x1, x2] = [t.x("x1", SHAPE), t.x("x2", SHAPE)];
  const dy = t.dy("dy", SHAPE);
  const norm = t.own(createBatchNorm());
  const scale = t.own(createScale({ biasTerm: true }));
  const [bottom, middle, top] = [t.filled(SHAPE, x1), t.blob(), t.blob()];
  norm.setUp([bottom], [middle]);
  scale.setUp([middle], [top]);
  const blobs = [...norm.blobs, ...scale.blobs];
  const both = t.own(createBatchNormScale({ biasTerm: true, blobs }));
  const [bothBottom, bothTop] = [t.filled(SHAPE, x2), t.blob()];
  both.setUp([bothBottom], [bothTop]);
  blobs[3]?.write(affine.gamma);
  blobs[4]?.write(affine.beta);

  norm.forward([bottom], [middle]);
  scale.forward([middle], [top]);
  both.forward([bothBottom], [bothTop]);
  top.writeDiff(dy);
  bothTop.writeDiff(dy);
  scale.backward([top], [true], [middle]);
  norm.backward([middle], [true], [bottom]);
  both.backward([bothTop], [true], [bothBottom]);

  const [s1, s2] = [batchStats(t.p, x1, G), batchStats(t.p, x2, G)];
  const p1 = { ...plain(x1), affine: affine.truth };
  const p2 = { ...plain(x2), affine: affine.truth };
  const [b1, b2] = [backwardTruth(t.p, p1, dy, s1), backwardTruth(t.p, p2, dy, s2)];
  // Apart, x^ and dy * gamma are rounded and stored: 2 u |t| (N-8) beside K u |t|, and each K u |x^| or u |dy| of a term
  // beside S >= 40 u; twice the bound covers both.
  const apart = (truth: Truth): Truth => ({ ...truth, bound: Float64Array.from(truth.bound, (b) => 2 * b) });
  const sum = (a: Truth, b: Truth): Truth => ({
    expected: a.expected.map((value, i) => value + (b.expected[i] ?? 0)),
    bound: a.expected.map((_, i) => 2 * (a.bound[i] ?? 0) + (b.bound[i] ?? 0)),
  });
  const start = runningTruth(freshRunning(3));
  const once = averaged(t.p, start, s1, FRACTION, correctionOf(G));
  return [
    check("top apart", await top.read(), apart(forwardTruth(t.p, p1, s1)), G),
    check("top fused", await bothTop.read(), forwardTruth(t.p, p2, s2), G),
    check("bottom.diff apart", await bottom.readDiff(), apart(b1.dx), G),
    check("bottom.diff fused", await bothBottom.readDiff(), b2.dx, G),
    check("gamma.diff of both", (await blobs[3]?.readDiff()) ?? [], sum(b1.dGamma, b2.dGamma), ROW),
    check("beta.diff of both", (await blobs[4]?.readDiff()) ?? [], sum(b1.dBeta, b2.dBeta), ROW),
    ...(await checkRunning("of both", blobs, averaged(t.p, once, s2, FRACTION, correctionOf(G)), t.p)),
  ];
};

/** BN-9, S-8: an empty batch with global statistics, and through Scale, is empty and changes nothing. */
const emptyBatch: Run = async (t) => {
  const layer = t.own(createBatchNormScale({ phase: "test", biasTerm: true }));
  const [bottom, top] = [t.blob(SHAPE), t.blob()];
  layer.setUp([bottom], [top]);
  const scale = t.own(createScale({ biasTerm: true }));
  const scaled = t.blob();
  scale.setUp([top], [scaled]);
  const done: Comparison[] = [];
  for (const shape of [
    [0, 3, 5, 5],
    [2, 3, 0],
  ]) {
    bottom.reshape(shape);
    layer.forward([bottom], [top]);
    scale.forward([top], [scaled]);
    scale.backward([scaled], [true], [top]);
    layer.backward([top], [true], [bottom]);
    if (`${scaled.shape}` !== `${shape}`) throw new Error(`top has shape [${scaled.shape}], expected [${shape}]`);
    done.push(check(`top ${shape.join("x")}`, await scaled.read(), exactly([]), geometryOf(shape)));
  }
  for (const blob of [...layer.blobs.slice(3), ...scale.blobs]) {
    done.push(check("parameter diff", await blob.readDiff(), exactly([0, 0, 0]), ROW));
  }
  const x = t.x("x", SHAPE);
  bottom.reshape(SHAPE);
  bottom.write(x);
  layer.forward([bottom], [top]);
  const stats = storedStats(t.p, freshRunning(3));
  done.push(check("top of a full batch after", await top.read(), forwardTruth(t.p, plain(x), stats), G));
  return done;
};

/** S-3: none gives scale 1, bias 0; a filler without a value gives 0; gamma and beta of the fused layer alike. */
const fillers: Run = async (t) => {
  const bottom = t.filled([1, 2], [3, 4]);
  const done: Comparison[] = [];
  const rows = [
    { params: {}, gamma: 1, beta: 0 },
    { params: { filler: {}, biasFiller: {} }, gamma: 0, beta: 0 },
    { params: { filler: { value: 2.5 }, biasFiller: { type: "constant", value: -1 } }, gamma: 2.5, beta: -1 },
  ] as const;
  for (const { params, gamma, beta } of rows) {
    for (const make of [createScale, createBatchNormScale]) {
      const layer = t.own(make({ ...params, biasTerm: true }));
      layer.setUp([bottom], [t.blob()]);
      const [g, b] = await Promise.all(layer.blobs.slice(-2).map((blob) => blob.read()));
      done.push(
        check(`${layer.type} scale ${gamma}`, g ?? [], exactly([gamma, gamma]), perChannel(2)),
        check(`${layer.type} bias ${beta}`, b ?? [], exactly([beta, beta]), perChannel(2)),
      );
    }
  }
  return done;
};

/** BN-2: eps and the fraction are rounded to float32, also in float64. */
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

const TABLE: readonly { readonly name: string; readonly clause: string; readonly run: Run }[] = [
  { name: "moving-average", clause: "BN-7", run: steps(0.999, "train") },
  { name: "moving-average-of-the-last", clause: "BN-7", run: steps(0, "train") },
  { name: "moving-average-of-all", clause: "BN-7", run: steps(1, "train") },
  { name: "moving-average-in-test-phase", clause: "BN-7", run: steps(0.9, "test") },
  { name: "factor-0", clause: "BN-6", run: factorZero },
  { name: "overwritten-top", clause: "L-5", run: overwrittenTop },
  { name: "propagate-down", clause: "L-6", run: propagateDown },
  { name: "no-gradient-of-statistics", clause: "L-7", run: noGradientOfStatistics },
  { name: "reshapes", clause: "L-2", run: reshapes },
  { name: "shared-blobs", clause: "BS-3", run: sharedBlobs },
  { name: "empty-batch", clause: "BN-9", run: emptyBatch },
  { name: "fillers", clause: "S-3", run: fillers },
  { name: "rounded-parameters", clause: "BN-2", run: roundedParams },
  { name: "negative-variance", clause: "BN-6", run: negativeVariance },
];

/** What layers keep from call to call. */
export function stateCases(): Case[] {
  return DTYPES.flatMap((dtype) =>
    [true, false].flatMap((fused) =>
      TABLE.map(({ name, clause, run }): Case => {
        const id = `state/${name}/${fused ? "" : "unfused/"}${dtype}`;
        const nonFinite = name === "negative-variance" ? { nonFinite: true as const } : {};
        return {
          id,
          group: "layers",
          clause,
          needs: { dtype, ...(fused ? {} : { fused: true as const }), ...nonFinite },
          run: ({ backend }) =>
            withScope(fused ? backend : withoutFused(backend), dtype, (scope) =>
              run({
                ...scope,
                dtype,
                p: precisionOf(dtype, backend.supports),
                seed: id,
                x: (tag, shape) => sample(`${id}|${tag}`, OFFSET, geometryOf(shape), dtype),
                dy: (tag, shape) =>
                  normals(
                    `${id}|dy ${tag}`,
                    shape.reduce((a, b) => a * b, 1),
                    dtype,
                  ),
              }),
            ),
        };
      }),
    ),
  );
}
