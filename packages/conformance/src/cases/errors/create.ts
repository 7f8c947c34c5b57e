import { createBatchNorm, createBatchNormScale, createScale } from "@bn/core";
import type { ErrorRow } from "./desk.ts";

const P = "ERR_BN_PARAM";

// Values that types forbid come from JavaScript and from files.
const unchecked = <T>(value: unknown): T => value as T;

export const CREATE_ROWS: readonly ErrorRow[] = (
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

export const FILLER_ROWS: readonly ErrorRow[] = [
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
    message: 'Scale "sc2" create: filler.value is NaN, expected a finite float32',
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
