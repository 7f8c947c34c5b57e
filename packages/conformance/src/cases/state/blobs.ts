import { type Blob, createBatchNorm, createBatchNormScale, createScale } from "@bn/core";
import type { Comparison } from "../../case.ts";
import { correctionOf } from "../../truth/oracle.ts";
import {
  averaged,
  backwardTruth,
  batchStats,
  check,
  forwardTruth,
  perChannel,
  runningTruth,
  type Truth,
} from "../../truth/truth.ts";
import { affineFor, freshRunning } from "../layer-kit.ts";
import { checkRunning, exactly, FRACTION, G, plain, ROW, type Run, SHAPE, type StateRow } from "./tools.ts";

/** BS-3: BatchNormScale, and BatchNorm followed by Scale, share the same five blobs and run alternately. */
const sharedBlobs: Run = async (t) => {
  const affine = affineFor(t.id, 3, t.dtype);
  const [x1, x2, dy] = [t.x("x1"), t.x("x2"), t.dy("dy")];
  const norm = t.single(createBatchNorm(), SHAPE, x1);
  const scale = t.own(createScale({ biasTerm: true }));
  const [bottom, middle, top] = [norm.bottom, norm.top, t.blob()];
  scale.setUp([middle], [top]);
  const blobs = [...norm.layer.blobs, ...scale.blobs];
  const both = t.single(createBatchNormScale({ biasTerm: true, blobs }), SHAPE, x2);
  both.write(3, affine.gamma, affine.beta);

  norm.forward();
  scale.forward([middle], [top]);
  both.forward();
  top.writeDiff(dy);
  both.top.writeDiff(dy);
  scale.backward([top], [true], [middle]);
  norm.layer.backward([middle], [true], [bottom]);
  both.layer.backward([both.top], [true], [both.bottom]);

  const [s1, s2] = [batchStats(t.p, x1, G), batchStats(t.p, x2, G)];
  const p1 = { ...plain(x1), affine: affine.truth };
  const p2 = { ...plain(x2), affine: affine.truth };
  const [b1, b2] = [backwardTruth(t.p, p1, dy, s1), backwardTruth(t.p, p2, dy, s2)];
  // With separate layers, x^ and dy * gamma are rounded and stored. This adds 2 u |t| (N-8) to K u |t|, and K u |x^| or
  // u |dy| per term to S >= 40 u. Twice the bound covers both.
  const apart = (truth: Truth): Truth => ({ ...truth, bound: Float64Array.from(truth.bound, (b) => 2 * b) });
  const sum = (a: Truth, b: Truth): Truth => ({
    expected: a.expected.map((value, i) => value + (b.expected[i] ?? 0)),
    bound: a.expected.map((_, i) => 2 * (a.bound[i] ?? 0) + (b.bound[i] ?? 0)),
  });
  const start = runningTruth(freshRunning(3));
  const once = averaged(t.p, start, s1, FRACTION, correctionOf(G));
  return [
    check("top apart", await top.read(), apart(forwardTruth(t.p, p1, s1)), G),
    check("top fused", await both.top.read(), forwardTruth(t.p, p2, s2), G),
    check("bottom.diff apart", await bottom.readDiff(), apart(b1.dx), G),
    check("bottom.diff fused", await both.bottom.readDiff(), b2.dx, G),
    check("gamma.diff of both", await both.readDiff(3), sum(b1.dGamma, b2.dGamma), ROW),
    check("beta.diff of both", await both.readDiff(4), sum(b1.dBeta, b2.dBeta), ROW),
    ...(await checkRunning("of both", blobs, averaged(t.p, once, s2, FRACTION, correctionOf(G)), t.p)),
  ];
};

/**
 * BS-3: a Scale that got the blobs of another layer scales by them, and its gradients are added to those of the other
 * layer.
 */
const sharedScale: Run = async (t) => {
  const owner = t.single(createScale(), SHAPE, t.x("x"));
  owner.write(0, [2, 3, 4]);
  const { blobs } = owner.layer;
  const borrower = t.own(createScale({ blobs }));
  const other = t.blob();
  borrower.setUp([owner.bottom], [other]);
  owner.forward();
  borrower.forward([owner.bottom], [other]);
  const scaled = await owner.top.read();
  if (borrower.blobs[0] !== blobs[0]) throw new Error("a layer has other blobs than it was given");
  return [check("top of the borrower", await other.read(), exactly(scaled), G)];
};

/** L-8: given blobs outlive the layer that uses them; a layer's own blobs do not outlive it. */
const borrowedBlobs: Run = async (t) => {
  const owner = createBatchNorm();
  const [bottom, top] = [t.filled(SHAPE, t.x("x")), t.blob()];
  owner.setUp([bottom], [top]);
  const borrower = createBatchNorm({ phase: "test", blobs: owner.blobs });
  const [mean] = owner.blobs as [Blob];
  borrower.setUp([bottom], [top]);
  borrower.dispose();
  mean.write([1, 2, 3]);
  const got = await mean.read();
  owner.dispose();
  if (!mean.disposed) throw new Error("blobs[0] is not disposed after dispose() of the layer that created it");
  if (bottom.disposed || top.disposed) throw new Error("dispose() of a layer disposed its bottom or top");
  return [check("blobs[0] after the borrower's dispose()", got, exactly([1, 2, 3]), ROW)];
};

/**
 * S-3: without fillers scale is 1 and bias is 0; a filler without a value gives 0. The same holds for gamma and beta of
 * the fused layer.
 */
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

export const BLOBS: readonly StateRow[] = [
  { name: "shared-blobs", clause: "BS-3", run: sharedBlobs },
  { name: "shared-scale", clause: "BS-3", run: sharedScale },
  { name: "borrowed-blobs", clause: "L-8", run: borrowedBlobs },
  { name: "fillers", clause: "S-3", run: fillers },
];
