import { createBatchNorm, createBatchNormScale, createBlob } from "../../src/index.ts";
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
    says: ['BatchNorm "bn1" setUp', "0", "bottom", "blobs", "1"],
    act: (t) => () => t.bn.setUp([], [t.y]),
  },
  {
    name: "batch-norm/two-bottoms",
    clause: "L-1",
    code: S,
    says: ['BatchNorm "bn1" forward', "2", "bottom", "blobs", "1"],
    act: (t) => () => t.bn.forward([t.x, t.y], [t.y]),
  },
  {
    name: "batch-norm/no-top",
    clause: "L-1",
    code: S,
    says: ['BatchNorm "bn1" forward', "0", "top", "blobs", "1"],
    act: (t) => () => t.bn.forward([t.x], []),
  },
  {
    name: "batch-norm/two-tops",
    clause: "L-1",
    code: S,
    says: ['BatchNorm "bn1" backward', "2", "top", "blobs", "1"],
    act: (t) => () => t.bn.backward([t.y, t.z], [true], [t.x]),
  },
  {
    name: "batch-norm/scalar-bottom",
    clause: "BN-1",
    code: S,
    says: ['BatchNorm "bn1" setUp', "bottom[0]", "axes", "scalar", "1", "reshape"],
    act: (t) => {
      const scalar = t.blob([]);
      return () => t.bn.setUp([scalar], [t.y]);
    },
  },
  {
    name: "batch-norm/axis-out-of-range",
    clause: "BN-1",
    code: S,
    says: ['BatchNorm "bn2" setUp', "axis", "3", "-3", "2", "2x3x4"],
    act: (t) => {
      const layer = t.own(createBatchNorm({ name: "bn2", axis: 3 }));
      return () => layer.setUp([t.x], [t.y]);
    },
  },
  {
    name: "batch-norm/no-channels",
    clause: "BN-1",
    code: S,
    says: ['BatchNorm "bn1" setUp', "bottom[0]", "channels", "2x0x4", "1"],
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
      says: [`BatchNorm "bn1" ${method}`, "bottom[0]", "5", "channels", "2x5x4", "3", "setUp()"],
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
    says: ['BatchNorm "bn1" forward', "bottom[0]", "empty", "0x3x4"],
    act: (t) => {
      const bottom = t.blob([0, 3, 4]);
      return () => t.bn.forward([bottom], [t.y]);
    },
  },
  {
    name: "batch-norm/too-few-blobs",
    clause: "BN-4",
    code: S,
    says: ['BatchNorm "bn2" setUp', "blobs", "2", "3", "1"],
    act: (t) => {
      const layer = t.own(createBatchNorm({ name: "bn2", blobs: t.bn.blobs.slice(0, 2) }));
      return () => layer.setUp([t.x], [t.y]);
    },
  },
  {
    name: "batch-norm/blob-of-another-shape",
    clause: "BN-4",
    code: S,
    says: ['BatchNormScale "bn2" setUp', "blobs[3]", "1x3", "reshape()", "bottom[0]"],
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
      says: [`BatchNorm ${method}`, "setUp()"],
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
    says: ['BatchNorm "bn2" backward', "forward()"],
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
    says: ['BatchNorm "bn1" backward', "bottom", "top"],
    act: (t) => () => t.bn.backward([t.x], [true], [t.x]),
  },
  {
    name: "batch-norm/backward-apart-after-in-place",
    clause: "L-5",
    code: T,
    says: ['BatchNorm "bn2" backward', "bottom", "top"],
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
    says: ['BatchNorm "bn1" backward', "bottom[0]", "5x3", "blobs", "layer.blobs"],
    act: (t) => {
      const bottom = t.blob([5, 3]);
      return () => t.bn.backward([t.y], [true], [bottom]);
    },
  },
  {
    name: "batch-norm/propagate-down-length",
    clause: "L-6",
    code: P,
    says: ['BatchNorm "bn1" backward', "propagateDown", "2", "1", "bottom"],
    act: (t) => () => t.bn.backward([t.y], [true, false], [t.x]),
  },
  {
    name: "batch-norm/disposed-blob",
    clause: "L-3",
    code: D,
    says: ['BatchNorm "bn1" forward', "bottom[0]", "2x3x4", "disposed"],
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
    says: ['BatchNorm "bn1" forward', "top[0]", "7", "disposed"],
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
    says: ['BatchNorm "bn1" forward', "top[0]", "2", "disposed"],
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
    says: ['BatchNorm "bn1" forward', "top[0]", "2", "bottom[0]", "read()", "write()"],
    act: (t) => {
      const top = t.own(createBlob(t.other, [2]));
      return () => t.bn.forward([t.x], [top]);
    },
  },
  {
    name: "batch-norm/foreign-home",
    clause: "L-3",
    code: B,
    says: ['BatchNorm "bn1" forward', "blobs[0]", "3", "bottom[0]", "read()", "write()"],
    act: (t) => {
      const [bottom, top] = [t.own(createBlob(t.other, [2, 3, 4])), t.own(createBlob(t.other))];
      return () => t.bn.forward([bottom], [top]);
    },
  },
  {
    name: "batch-norm/mixed-dtypes",
    clause: "L-3",
    code: B,
    says: ['BatchNorm "bn1" forward', "top[0]", "float64", "bottom[0]", "float32", "blobs"],
    act: (t) => {
      const top = t.blob([0], "float64");
      return () => t.bn.forward([t.x], [top]);
    },
  },
  {
    name: "batch-norm/disposed-layer",
    clause: "L-1",
    code: D,
    says: ['BatchNorm "bn2" forward', "disposed"],
    act: (t) => {
      const layer = t.own(createBatchNorm({ name: "bn2" }));
      const top = t.blob();
      layer.setUp([t.x], [top]);
      layer.dispose();
      return () => layer.forward([t.x], [top]);
    },
  },
];
