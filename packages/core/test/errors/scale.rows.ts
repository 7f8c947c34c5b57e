import { createScale } from "../../src/index.ts";
import type { ErrorRow } from "./desk.ts";

const S = "ERR_BN_SHAPE";
const P = "ERR_BN_PARAM";
const T = "ERR_BN_STATE";
const D = "ERR_BN_DISPOSED";

export const SCALE_ROWS: readonly ErrorRow[] = [
  {
    name: "scale/past-the-end",
    clause: "S-2",
    code: S,
    says: ['Scale "sc2" setUp', "bottom[0]", "axis", "2", "numAxes", "3", "5", "axes", "2x3x4"],
    act: (t) => {
      const layer = t.own(createScale({ name: "sc2", axis: 2, numAxes: 3 }));
      return () => layer.setUp([t.x], [t.y]);
    },
  },
  {
    name: "scale/axis-out-of-range",
    clause: "S-2",
    code: S,
    says: ['Scale "sc2" setUp', "axis", "1", "-1", "0", "6"],
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
    says: ['Scale "sc1" setUp', "0", "empty", "bottom[0]"],
    act: (t) => {
      const bottom = t.blob([2, 0, 4]);
      return () => t.scale.setUp([bottom], [t.z]);
    },
  },
  {
    name: "scale/channels-changed",
    clause: "L-2",
    code: S,
    says: ['Scale "sc1" forward', "3", "bottom[0]", "2x5x4", "axis", "1", "setUp()"],
    act: (t) => {
      const bottom = t.blob([2, 5, 4]);
      return () => t.scale.forward([bottom], [t.z]);
    },
  },
  {
    name: "scale/bottom-1-of-another-shape",
    clause: "S-5",
    code: S,
    says: ['Scale "sc2" setUp', "bottom[1]", "4", "bottom[0]", "2x3x4", "axis", "reshape()"],
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
    says: ['Scale "sc2" setUp', "bottom[1]", "4x3x2", "bottom[0]", "2x3x4", "axis", "reshape()"],
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
    says: ['Scale "sc2" setUp', "bottom[1]", "bottom[0]"],
    act: (t) => {
      const layer = t.own(createScale({ name: "sc2", axis: 0 }));
      return () => layer.setUp([t.x, t.x], [t.z]);
    },
  },
  {
    name: "scale/bottom-1-is-top",
    clause: "S-5",
    code: P,
    says: ['Scale "sc2" setUp', "top[0]", "bottom[1]"],
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
    says: ['Scale "sc1" setUp', "3", "bottom", "blobs", "1", "2"],
    act: (t) => () => t.scale.setUp([t.x, t.y, t.z], [t.z]),
  },
  {
    name: "scale/second-bottom-later",
    clause: "S-5",
    code: T,
    says: ['Scale "sc1" forward', "2", "bottom", "blobs", "setUp()", "1"],
    act: (t) => {
      const factor = t.blob([3]);
      return () => t.scale.forward([t.y, factor], [t.z]);
    },
  },
  {
    name: "scale/backward-before-forward",
    clause: "L-5",
    code: T,
    says: ['Scale "sc2" backward', "forward()"],
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
    says: ['Scale "sc1" backward', "propagateDown", "0", "1", "bottom"],
    act: (t) => () => t.scale.backward([t.z], [], [t.y]),
  },
  {
    name: "scale/one-blob-and-a-bias",
    clause: "S-4",
    code: S,
    says: ['Scale "sc2" setUp', "blobs", "1", "2", "3"],
    act: (t) => {
      const layer = t.own(createScale({ name: "sc2", biasTerm: true, blobs: t.scale.blobs.slice(0, 1) }));
      return () => layer.setUp([t.y], [t.z]);
    },
  },
  {
    name: "scale/disposed-layer",
    clause: "L-1",
    code: D,
    says: ['Scale "sc2" clearParamDiffs', "disposed"],
    act: (t) => {
      const layer = t.own(createScale({ name: "sc2" }));
      layer.dispose();
      return () => layer.clearParamDiffs();
    },
  },
];
