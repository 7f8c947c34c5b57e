import { createBatchNorm, createBatchNormScale, createBlob, createScale } from "@bn/core";
import type { Case } from "../case.ts";
import { type ErrorRow, errorCase } from "./error-desk.ts";

const S = "ERR_BN_SHAPE";
const P = "ERR_BN_PARAM";
const T = "ERR_BN_STATE";
const D = "ERR_BN_DISPOSED";
const B = "ERR_BN_BACKEND";

// Values that types forbid come from JavaScript and from files.
const unchecked = <T>(value: unknown): T => value as T;

const BLOB_ROWS: readonly ErrorRow[] = [
  {
    name: "blob/negative-axis",
    clause: "B-1",
    code: S,
    message: "createBlob: axis 1 is -1 (shape 2x-1), expected a whole number >= 0",
    act: (t) => () => createBlob(t.backend, [2, -1]),
  },
  {
    name: "blob/fractional-axis",
    clause: "B-1",
    code: S,
    message: "createBlob: axis 0 is 1.5 (shape 1.5), expected a whole number >= 0",
    act: (t) => () => createBlob(t.backend, [1.5]),
  },
  {
    name: "blob/33-axes",
    clause: "B-1",
    code: S,
    message: "createBlob: shape has 33 axes, expected at most 32",
    act: (t) => () => createBlob(t.backend, new Array(33).fill(1)),
  },
  {
    name: "blob/too-many-elements",
    clause: "B-1",
    code: S,
    message: "createBlob: shape 65536x65536 holds more than 2^31 - 1 elements; split the batch",
    act: (t) => () => createBlob(t.backend, [65536, 65536]),
  },
  {
    name: "blob/reshape-too-many-elements",
    clause: "B-1",
    code: S,
    message: "Blob reshape: shape 65536x32768 holds more than 2^31 - 1 elements; split the batch",
    act: (t) => () => t.x.reshape([65536, 32768]),
  },
  {
    name: "blob/reshape-negative-axis",
    clause: "B-1",
    code: S,
    message: "Blob reshape: axis 0 is -2 (shape -2x3x4), expected a whole number >= 0",
    act: (t) => () => t.x.reshape([-2, 3, 4]),
  },
  {
    name: "blob/unknown-dtype",
    clause: "L-3",
    code: B,
    message: (t) => `createBlob: backend "${t.backend.name}" has no int8, only ${t.backend.supports.dtypes.join(", ")}`,
    act: (t) => () => createBlob(t.backend, [2], unchecked("int8")),
  },
  {
    name: "blob/canonical-axis",
    clause: "B-2",
    code: S,
    message: "Blob canonicalAxis: axis is 3, expected a whole number from -3 to 2 for shape 2x3x4",
    act: (t) => () => t.x.canonicalAxis(3),
  },
  {
    name: "blob/canonical-axis-negative",
    clause: "B-2",
    code: S,
    message: "Blob canonicalAxis: axis is -4, expected a whole number from -3 to 2 for shape 2x3x4",
    act: (t) => () => t.x.canonicalAxis(-4),
  },
  {
    name: "blob/count-start",
    clause: "B-2",
    code: S,
    message: "Blob count: start is 4, expected a whole number from -3 to 3 for shape 2x3x4",
    act: (t) => () => t.x.count(4),
  },
  {
    name: "blob/count-end",
    clause: "B-2",
    code: S,
    message: "Blob count: end is 0.5, expected a whole number from -3 to 3 for shape 2x3x4",
    act: (t) => () => t.x.count(0, 0.5),
  },
  {
    name: "blob/write-length",
    clause: "B-5",
    code: S,
    message: "Blob write: 3 values, expected 24 for shape 2x3x4; reshape() first",
    act: (t) => () => t.x.write([1, 2, 3]),
  },
  {
    name: "blob/write-diff-length",
    clause: "B-5",
    code: S,
    message: "Blob writeDiff: 25 values, expected 24 for shape 2x3x4; reshape() first",
    act: (t) => () => t.x.writeDiff(new Float32Array(25)),
  },
  ...(["write", "writeDiff"] as const).map(
    (method): ErrorRow => ({
      name: `blob/disposed-${method}`,
      clause: "B-5",
      code: D,
      message: `Blob ${method}: the blob (shape 2) was disposed`,
      act: (t) => {
        const blob = t.blob([2]);
        blob.dispose();
        return () => blob[method]([1, 2]);
      },
    }),
  ),
  {
    name: "blob/disposed-reshape",
    clause: "B-5",
    code: D,
    message: "Blob reshape: the blob (shape 2) was disposed",
    act: (t) => {
      const blob = t.blob([2]);
      blob.dispose();
      return () => blob.reshape([1]);
    },
  },
  {
    name: "blob/disposed-read",
    clause: "B-5",
    code: D,
    message: "Blob data: the blob (shape ()) was disposed",
    act: (t) => {
      const blob = t.blob([]);
      blob.dispose();
      return () => blob.read();
    },
  },
  {
    name: "blob/disposed-backend",
    clause: "B-5",
    code: D,
    message: (t) => `Blob diff: backend "${t.other.name}" was disposed`,
    act: async (t) => {
      const blob = createBlob(t.other, [2]);
      await t.other.dispose();
      return () => blob.readDiff();
    },
  },
];

const CREATE_ROWS: readonly ErrorRow[] = (
  [
    ["eps-NaN", { eps: Number.NaN }, "eps is NaN, expected a finite float32 >= 0"],
    ["eps-negative", { eps: -1 }, "eps is -1, expected a finite float32 >= 0"],
    ["eps-infinite", { eps: 1e39 }, "eps is 1e+39, expected a finite float32 >= 0"],
    ["fraction-1.5", { movingAverageFraction: 1.5 }, "movingAverageFraction is 1.5, expected a number from 0 to 1"],
    [
      "fraction-negative",
      { movingAverageFraction: -0.5 },
      "movingAverageFraction is -0.5, expected a number from 0 to 1",
    ],
    [
      "fraction-NaN",
      { movingAverageFraction: Number.NaN },
      "movingAverageFraction is NaN, expected a number from 0 to 1",
    ],
    ["phase", { phase: "TRAIN" }, 'phase is "TRAIN", expected "train" or "test"'],
    ["axis-fractional", { axis: 0.5 }, "axis is 0.5, expected a whole number"],
  ] as const
).map(([name, params, what]) => ({
  name: `batch-norm/${name}`,
  clause: "BN-2",
  code: P,
  message: `BatchNorm "bn2" create: ${what}`,
  act: () => () => createBatchNorm({ name: "bn2", ...unchecked<object>(params) }),
}));

const FILLER_ROWS: readonly ErrorRow[] = [
  {
    name: "batch-norm-scale/unknown-filler",
    clause: "S-3",
    code: P,
    message:
      'BatchNormScale create: filler.type is "xavier", expected "constant"; write() other values to blobs after setUp',
    act: () => () => createBatchNormScale({ filler: { type: unchecked("xavier") } }),
  },
  {
    name: "scale/unknown-filler",
    clause: "S-3",
    code: P,
    message:
      'Scale "sc2" create: biasFiller.type is "nope", expected "constant"; write() other values to blobs after setUp',
    act: () => () => createScale({ name: "sc2", biasFiller: { type: unchecked("nope") } }),
  },
  {
    name: "scale/filler-NaN",
    clause: "S-3",
    code: P,
    message: 'Scale "sc2" create: filler.value is NaN, expected a finite number',
    act: () => () => createScale({ name: "sc2", filler: { value: Number.NaN } }),
  },
  {
    name: "scale/num-axes--2",
    clause: "S-2",
    code: P,
    message: 'Scale "sc2" create: numAxes is -2, expected a whole number >= 0, or -1 for all axes to the end',
    act: () => () => createScale({ name: "sc2", numAxes: -2 }),
  },
  {
    name: "scale/axis-fractional",
    clause: "S-2",
    code: P,
    message: 'Scale "sc2" create: axis is 1.5, expected a whole number',
    act: () => () => createScale({ name: "sc2", axis: 1.5 }),
  },
];

const CALL_ROWS: readonly ErrorRow[] = [
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
    message: 'BatchNorm "bn1" forward: bottom[0] is empty (shape 0x3x4): a batch without values has no statistics',
    act: (t) => {
      const bottom = t.blob([0, 3, 4]);
      return () => t.bn.forward([bottom], [t.y]);
    },
  },
  {
    name: "batch-norm/too-few-blobs",
    clause: "BN-4",
    code: S,
    message: 'BatchNorm "bn2" setUp: 2 blobs were given, expected 3 (shapes 3, 3, 1)',
    act: (t) => {
      const layer = t.own(createBatchNorm({ name: "bn2", blobs: t.bn.blobs.slice(0, 2) }));
      return () => layer.setUp([t.x], [t.y]);
    },
  },
  {
    name: "batch-norm/blob-of-another-shape",
    clause: "BN-4",
    code: S,
    message: 'BatchNormScale "bn2" setUp: blobs[3] has shape 1x3, expected 3',
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
      'BatchNorm "bn1" backward: bottom[0] has shape 5x3, top[0] 2x3x4, not what forward saw; call forward() again',
    act: (t) => {
      const bottom = t.blob([5, 3]);
      return () => t.bn.backward([t.y], [true], [bottom]);
    },
  },
  {
    name: "batch-norm/propagate-down-length",
    clause: "L-6",
    code: P,
    message: 'BatchNorm "bn1" backward: propagateDown has 2 entries, expected 1, one a bottom',
    act: (t) => () => t.bn.backward([t.y], [true, false], [t.x]),
  },
  {
    name: "batch-norm/disposed-blob",
    clause: "L-3",
    code: D,
    message: 'BatchNorm "bn1" forward: bottom[0] (shape 2x3x4): was disposed; create a new one',
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
    message: 'BatchNorm "bn1" forward: top[0] (shape 7): was disposed; create a new one',
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
    message: 'BatchNorm "bn2" forward: the layer was disposed',
    act: (t) => {
      const layer = t.own(createBatchNorm({ name: "bn2" }));
      const top = t.blob();
      layer.setUp([t.x], [top]);
      layer.dispose();
      return () => layer.forward([t.x], [top]);
    },
  },
  {
    name: "scale/past-the-end",
    clause: "S-2",
    code: S,
    message: 'Scale "sc2" setUp: the scale extends past bottom[0]: axis 2 and numAxes 3 need 5 axes, shape 2x3x4 has 3',
    act: (t) => {
      const layer = t.own(createScale({ name: "sc2", axis: 2, numAxes: 3 }));
      return () => layer.setUp([t.x], [t.y]);
    },
  },
  {
    name: "scale/axis-out-of-range",
    clause: "S-2",
    code: S,
    message: 'Scale "sc2" setUp: axis is 1, expected a whole number from -1 to 0 for shape 6',
    act: (t) => {
      const layer = t.own(createScale({ name: "sc2" }));
      const bottom = t.blob([6]);
      return () => layer.setUp([bottom], [t.y]);
    },
  },
  {
    name: "scale/empty-scale",
    clause: "S-8",
    code: S,
    message: 'Scale "sc1" setUp: the scale\'s shape 0 is empty; give bottom[0] a shape without 0 there',
    act: (t) => {
      const bottom = t.blob([2, 0, 4]);
      return () => t.scale.setUp([bottom], [t.z]);
    },
  },
  {
    name: "scale/channels-changed",
    clause: "L-2",
    code: S,
    message:
      'Scale "sc1" forward: the scale has shape 3, bottom[0] (shape 2x5x4) has 5 from axis 1; call setUp() again',
    act: (t) => {
      const bottom = t.blob([2, 5, 4]);
      return () => t.scale.forward([bottom], [t.z]);
    },
  },
  {
    name: "scale/bottom-1-of-another-shape",
    clause: "S-5",
    code: S,
    message: 'Scale "sc2" setUp: the scale has shape 4, bottom[0] (shape 2x3x4) has 3 from axis 1; call setUp() again',
    act: (t) => {
      const layer = t.own(createScale({ name: "sc2" }));
      const factor = t.blob([4]);
      return () => layer.setUp([t.x, factor], [t.z]);
    },
  },
  {
    name: "scale/bottom-1-past-the-end",
    clause: "S-5",
    code: S,
    message: 'Scale "sc2" setUp: the scale (shape 4x3x2) extends past bottom[0] (shape 2x3x4) from axis 2',
    act: (t) => {
      const layer = t.own(createScale({ name: "sc2", axis: 2 }));
      const factor = t.blob([4, 3, 2]);
      return () => layer.setUp([t.x, factor], [t.z]);
    },
  },
  {
    name: "scale/bottom-1-is-bottom-0",
    clause: "S-5",
    code: P,
    message: 'Scale "sc2" setUp: bottom[1] is bottom[0], expected a blob of its own; copy it first',
    act: (t) => {
      const layer = t.own(createScale({ name: "sc2", axis: 0 }));
      return () => layer.setUp([t.x, t.x], [t.z]);
    },
  },
  {
    name: "scale/bottom-1-is-top",
    clause: "S-5",
    code: P,
    message: 'Scale "sc2" setUp: bottom[1] is top[0], expected a blob of its own; copy it first',
    act: (t) => {
      const layer = t.own(createScale({ name: "sc2" }));
      const factor = t.blob([3]);
      return () => layer.setUp([t.x, factor], [factor]);
    },
  },
  {
    name: "scale/three-bottoms",
    clause: "L-1",
    code: S,
    message: 'Scale "sc1" setUp: 3 bottom blobs, expected 1 to 2',
    act: (t) => () => t.scale.setUp([t.x, t.y, t.z], [t.z]),
  },
  {
    name: "scale/second-bottom-later",
    clause: "S-5",
    code: T,
    message: 'Scale "sc1" forward: 2 bottom blobs, setUp() saw 1; call setUp() again',
    act: (t) => {
      const factor = t.blob([3]);
      return () => t.scale.forward([t.y, factor], [t.z]);
    },
  },
  {
    name: "scale/backward-before-forward",
    clause: "L-5",
    code: T,
    message: 'Scale "sc2" backward: no forward came before it; call forward() first',
    act: (t) => {
      const layer = t.own(createScale({ name: "sc2" }));
      const [bottom, top] = [t.blob([2, 3, 4]), t.blob()];
      layer.setUp([bottom], [top]);
      return () => layer.backward([top], [true], [bottom]);
    },
  },
  {
    name: "scale/propagate-down-length",
    clause: "L-6",
    code: P,
    message: 'Scale "sc1" backward: propagateDown has 0 entries, expected 1, one a bottom',
    act: (t) => () => t.scale.backward([t.z], [], [t.y]),
  },
  {
    name: "scale/one-blob-and-a-bias",
    clause: "S-4",
    code: S,
    message: 'Scale "sc2" setUp: 1 blobs were given, expected 2 (shapes 3, 3)',
    act: (t) => {
      const layer = t.own(createScale({ name: "sc2", biasTerm: true, blobs: t.scale.blobs.slice(0, 1) }));
      return () => layer.setUp([t.y], [t.z]);
    },
  },
  {
    name: "scale/disposed-layer",
    clause: "L-1",
    code: D,
    message: 'Scale "sc2" clearParamDiffs: the layer was disposed',
    act: (t) => {
      const layer = t.own(createScale({ name: "sc2" }));
      layer.dispose();
      return () => layer.clearParamDiffs();
    },
  },
];

/** L-1 and every error that core throws: its code, its whole message, and that nothing changed. */
export function errorCases(): Case[] {
  return [...BLOB_ROWS, ...CREATE_ROWS, ...FILLER_ROWS, ...CALL_ROWS].map(errorCase);
}
