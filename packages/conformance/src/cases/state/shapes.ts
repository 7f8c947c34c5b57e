import { createBatchNorm, createBatchNormScale, createScale } from "@bn/core";
import type { Comparison } from "../../case.ts";
import { backwardTruth, batchStats, check, forwardTruth, storedStats } from "../../truth/truth.ts";
import { freshRunning, geometryOf } from "../layer-kit.ts";
import { exactly, G, plain, ROW, type Run, SHAPE, type StateRow } from "./tools.ts";

/** L-2: N, spatial sizes and rank change from call to call, growing and shrinking, in forward and backward. */
const reshapes: Run = async (t) => {
  const done: Comparison[] = [];
  for (const inPlace of [false, true]) {
    const layer = t.single(createBatchNorm({ updateStats: false }), SHAPE, null, inPlace);
    const { bottom, top } = layer;
    for (const shape of [SHAPE, [2, 3, 5, 5], [9, 3, 11, 7], [5, 3], [2, 3, 4], [1, 3, 2, 2, 2], SHAPE]) {
      const g = geometryOf(shape);
      const x = t.x(shape.join("x"), shape);
      const dy = t.dy(shape.join("x"), shape);
      bottom.reshape(shape);
      bottom.write(x);
      layer.forward();
      if (`${top.shape}` !== `${shape}`) throw new Error(`top has shape [${top.shape}], expected [${shape}]`);
      const stats = batchStats(t.p, x, g);
      const what = `${shape.join("x")}${inPlace ? " in place" : ""}`;
      done.push(check(`top ${what}`, await top.read(), forwardTruth(t.p, plain(x, shape), stats), g));
      layer.backward(dy);
      const { dx } = backwardTruth(t.p, plain(x, shape), dy, stats);
      done.push(check(`bottom.diff ${what}`, await bottom.readDiff(), dx, g));
    }
  }
  return done;
};

/** BN-9, S-8: an empty batch with global statistics, or through Scale, gives an empty top and changes nothing. */
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
  const x = t.x("x");
  bottom.reshape(SHAPE);
  bottom.write(x);
  layer.forward([bottom], [top]);
  const stats = storedStats(t.p, freshRunning(3));
  done.push(check("top of a full batch after", await top.read(), forwardTruth(t.p, plain(x), stats), G));
  return done;
};

export const SHAPES: readonly StateRow[] = [
  { name: "reshapes", clause: "L-2", run: reshapes },
  { name: "empty-batch", clause: "BN-9", run: emptyBatch },
];
