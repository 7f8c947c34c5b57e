import { createScale } from "@bn/core";
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
    message:
      'Scale "sc2" setUp: bottom[1], the scale, has shape 4, bottom[0] (shape 2x3x4) has 3 from axis 1; reshape() bottom[1] to 3',
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
    message:
      'Scale "sc2" setUp: bottom[1], the scale, (shape 4x3x2) extends past bottom[0] (shape 2x3x4) from axis 2; reshape() bottom[1] to 4',
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
    message: 'Scale "sc2" setUp: top[0] is bottom[1], expected a blob of its own; copy it first',
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
    message: 'Scale "sc1" backward: propagateDown has 0 entries, expected 1, one per bottom',
    act: (t) => () => t.scale.backward([t.z], [], [t.y]),
  },
  {
    name: "scale/one-blob-and-a-bias",
    clause: "S-4",
    code: S,
    message:
      'Scale "sc2" setUp: blobs holds 1, expected 2 of shapes 3, 3; pass those of a layer with the same parameters',
    act: (t) => {
      const layer = t.own(createScale({ name: "sc2", biasTerm: true, blobs: t.scale.blobs.slice(0, 1) }));
      return () => layer.setUp([t.y], [t.z]);
    },
  },
  {
    name: "scale/disposed-layer",
    clause: "L-1",
    code: D,
    message: 'Scale "sc2" clearParamDiffs: the layer was disposed; create a new one',
    act: (t) => {
      const layer = t.own(createScale({ name: "sc2" }));
      layer.dispose();
      return () => layer.clearParamDiffs();
    },
  },
];
