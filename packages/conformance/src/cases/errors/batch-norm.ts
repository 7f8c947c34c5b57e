import { createBatchNorm, createBatchNormScale, createBlob } from "@bn/core";
import type { ErrorRow } from "./desk.ts";

const S = "ERR_BN_SHAPE";
const P = "ERR_BN_PARAM";
const T = "ERR_BN_STATE";
const D = "ERR_BN_DISPOSED";
const B = "ERR_BN_BACKEND";

export const BATCH_NORM_ROWS: readonly ErrorRow[] = [
  {
    name: "batch-norm/no-bottom",
    clause: "L-1",
    code: S,
    message: 'BatchNorm "bn1" setUp: 0 bottom blobs, expected 1',
    act: (t) => () => t.bn.setUp([], [t.y]),
  },
  {
    name: "batch-norm/two-bottoms",
    clause: "L-1",
    code: S,
    message: 'BatchNorm "bn1" forward: 2 bottom blobs, expected 1',
    act: (t) => () => t.bn.forward([t.x, t.y], [t.y]),
  },
  {
    name: "batch-norm/no-top",
    clause: "L-1",
    code: S,
    message: 'BatchNorm "bn1" forward: 0 top blobs, expected 1',
    act: (t) => () => t.bn.forward([t.x], []),
  },
  {
    name: "batch-norm/two-tops",
    clause: "L-1",
    code: S,
    message: 'BatchNorm "bn1" backward: 2 top blobs, expected 1',
    act: (t) => () => t.bn.backward([t.y, t.z], [true], [t.x]),
  },
  {
    name: "batch-norm/scalar-bottom",
    clause: "BN-1",
    code: S,
    message: 'BatchNorm "bn1" setUp: bottom[0] has no axes (a scalar), expected at least 1; reshape it to [1]',
    act: (t) => {
      const scalar = t.blob([]);
      return () => t.bn.setUp([scalar], [t.y]);
    },
  },
  {
    name: "batch-norm/axis-out-of-range",
    clause: "BN-1",
    code: S,
    message: 'BatchNorm "bn2" setUp: axis is 3, expected a whole number from -3 to 2 for shape 2x3x4',
    act: (t) => {
      const layer = t.own(createBatchNorm({ name: "bn2", axis: 3 }));
      return () => layer.setUp([t.x], [t.y]);
    },
  },
  {
    name: "batch-norm/no-channels",
    clause: "BN-1",
    code: S,
    message: 'BatchNorm "bn1" setUp: bottom[0] has 0 channels (shape 2x0x4), expected at least 1',
    act: (t) => {
      const bottom = t.blob([2, 0, 4]);
      return () => t.bn.setUp([bottom], [t.y]);
    },
  },
  ...(["forward", "reshape"] as const).map(
    (method): ErrorRow => ({
      name: `batch-norm/channels-changed-${method}`,
      clause: "L-2",
      code: S,
      message: `BatchNorm "bn1" ${method}: bottom[0] has 5 channels (shape 2x5x4), expected 3; call setUp() again`,
      act: (t) => {
        const bottom = t.blob([2, 5, 4]);
        return () => t.bn[method]([bottom], [t.y]);
      },
    }),
  ),
  {
    name: "batch-norm/empty-batch",
    clause: "BN-9",
    code: S,
    message:
      'BatchNorm "bn1" forward: bottom[0] is empty (shape 0x3x4): a batch without values has no statistics; leave it out, or use global statistics',
    act: (t) => {
      const bottom = t.blob([0, 3, 4]);
      return () => t.bn.forward([bottom], [t.y]);
    },
  },
  {
    name: "batch-norm/too-few-blobs",
    clause: "BN-4",
    code: S,
    message:
      'BatchNorm "bn2" setUp: blobs holds 2, expected 3 of shapes 3, 3, 1; pass those of a layer with the same parameters',
    act: (t) => {
      const layer = t.own(createBatchNorm({ name: "bn2", blobs: t.bn.blobs.slice(0, 2) }));
      return () => layer.setUp([t.x], [t.y]);
    },
  },
  {
    name: "batch-norm/blob-of-another-shape",
    clause: "BN-4",
    code: S,
    message: 'BatchNormScale "bn2" setUp: blobs[3] has shape 1x3, expected 3; reshape() it or bottom[0]',
    act: (t) => {
      const blobs = [...t.bn.blobs, t.blob([1, 3])];
      const layer = t.own(createBatchNormScale({ name: "bn2", blobs }));
      return () => layer.setUp([t.x], [t.y]);
    },
  },
  ...(["reshape", "forward", "backward"] as const).map(
    (method): ErrorRow => ({
      name: `batch-norm/${method}-before-setUp`,
      clause: "L-1",
      code: T,
      message: `BatchNorm ${method}: the layer is not set up; call setUp() first`,
      act: (t) => {
        const layer = t.own(createBatchNorm());
        return () => (method === "backward" ? layer.backward([t.y], [true], [t.x]) : layer[method]([t.x], [t.y]));
      },
    }),
  ),
  {
    name: "batch-norm/backward-before-forward",
    clause: "L-5",
    code: T,
    message: 'BatchNorm "bn2" backward: no forward came before it; call forward() first',
    act: (t) => {
      const layer = t.own(createBatchNorm({ name: "bn2" }));
      const [bottom, top] = [t.blob([2, 3, 4]), t.blob()];
      layer.setUp([bottom], [top]);
      return () => layer.backward([top], [true], [bottom]);
    },
  },
  {
    name: "batch-norm/backward-in-place-after-apart",
    clause: "L-5",
    code: T,
    message: 'BatchNorm "bn1" backward: forward ran out of place; pass the same bottom and top',
    act: (t) => () => t.bn.backward([t.x], [true], [t.x]),
  },
  {
    name: "batch-norm/backward-apart-after-in-place",
    clause: "L-5",
    code: T,
    message: 'BatchNorm "bn2" backward: forward ran in place; pass the same bottom and top',
    act: (t) => {
      const layer = t.own(createBatchNorm({ name: "bn2" }));
      const bottom = t.blob([2, 3, 4]);
      layer.setUp([bottom], [bottom]);
      layer.forward([bottom], [bottom]);
      return () => layer.backward([t.y], [true], [bottom]);
    },
  },
  {
    name: "batch-norm/backward-of-another-shape",
    clause: "L-5",
    code: T,
    message:
      'BatchNorm "bn1" backward: bottom[0] (shape 5x3) is not the one that the last forward saw; for several inputs make a layer per input that shares blobs: { blobs: layer.blobs }',
    act: (t) => {
      const bottom = t.blob([5, 3]);
      return () => t.bn.backward([t.y], [true], [bottom]);
    },
  },
  {
    name: "batch-norm/propagate-down-length",
    clause: "L-6",
    code: P,
    message: 'BatchNorm "bn1" backward: propagateDown has 2 entries, expected 1, one per bottom',
    act: (t) => () => t.bn.backward([t.y], [true, false], [t.x]),
  },
  {
    name: "batch-norm/disposed-blob",
    clause: "L-3",
    code: D,
    message: 'BatchNorm "bn1" forward: bottom[0] (shape 2x3x4) was disposed; create a new one',
    act: (t) => {
      const bottom = t.blob([2, 3, 4]);
      bottom.dispose();
      return () => t.bn.forward([bottom], [t.y]);
    },
  },
  {
    name: "batch-norm/disposed-top",
    clause: "L-3",
    code: D,
    message: 'BatchNorm "bn1" forward: top[0] (shape 7) was disposed; create a new one',
    act: (t) => {
      const top = t.blob([7]);
      top.dispose();
      return () => t.bn.forward([t.x], [top]);
    },
  },
  {
    name: "batch-norm/disposed-backend",
    clause: "L-3",
    code: D,
    message: (t) =>
      `BatchNorm "bn1" forward: top[0] (shape 2): its backend "${t.other.name}" was disposed; create a new one`,
    act: async (t) => {
      const top = createBlob(t.other, [2]);
      await t.other.dispose();
      return () => t.bn.forward([t.x], [top]);
    },
  },
  {
    name: "batch-norm/foreign-top",
    clause: "L-3",
    code: B,
    message: (t) =>
      `BatchNorm "bn1" forward: top[0] (shape 2) lives on backend "${t.other.name}", bottom[0] on another instance of it; read() it and write() it to a blob of that backend`,
    act: (t) => {
      const top = t.own(createBlob(t.other, [2]));
      return () => t.bn.forward([t.x], [top]);
    },
  },
  {
    name: "batch-norm/foreign-home",
    clause: "L-3",
    code: B,
    message: (t) =>
      `BatchNorm "bn1" forward: blobs[0] (shape 3) lives on backend "${t.backend.name}", bottom[0] on another instance of it; read() it and write() it to a blob of that backend`,
    act: (t) => {
      const [bottom, top] = [t.own(createBlob(t.other, [2, 3, 4])), t.own(createBlob(t.other))];
      return () => t.bn.forward([bottom], [top]);
    },
  },
  {
    name: "batch-norm/mixed-dtypes",
    clause: "L-3",
    code: B,
    needs: { dtype: "float64" },
    message: 'BatchNorm "bn1" forward: top[0] (shape 0) is float64, bottom[0] is float32; give all blobs one dtype',
    act: (t) => {
      const top = t.blob([0], "float64");
      return () => t.bn.forward([t.x], [top]);
    },
  },
  {
    name: "batch-norm/disposed-layer",
    clause: "L-1",
    code: D,
    message: 'BatchNorm "bn2" forward: the layer was disposed; create a new one',
    act: (t) => {
      const layer = t.own(createBatchNorm({ name: "bn2" }));
      const top = t.blob();
      layer.setUp([t.x], [top]);
      layer.dispose();
      return () => layer.forward([t.x], [top]);
    },
  },
];
