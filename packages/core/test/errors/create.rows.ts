import { createBatchNorm, createBatchNormScale, createScale } from "../../src/index.ts";
import type { ErrorRow } from "./desk.ts";

const P = "ERR_BN_PARAM";

// JavaScript and files can contain values that the types forbid.
const unchecked = <T>(value: unknown): T => value as T;

export const CREATE_ROWS: readonly ErrorRow[] = (
  [
    ["eps-NaN", { eps: Number.NaN }, ["eps", "NaN", "float32 >= 0"]],
    ["eps-negative", { eps: -1 }, ["eps", "-1", ">= 0"]],
    ["eps-infinite", { eps: 1e39 }, ["eps", "1e+39", "float32"]],
    ["fraction-1.5", { movingAverageFraction: 1.5 }, ["movingAverageFraction", "1.5", "0 to 1"]],
    ["fraction-negative", { movingAverageFraction: -0.5 }, ["movingAverageFraction", "-0.5", "0 to 1"]],
    ["fraction-NaN", { movingAverageFraction: Number.NaN }, ["movingAverageFraction", "NaN", "0 to 1"]],
    ["phase", { phase: "TRAIN" }, ["phase", '"TRAIN"', '"train" or "test"']],
    ["axis-fractional", { axis: 0.5 }, ["axis", "0.5", "whole number"]],
  ] as const
).map(([name, params, what]) => ({
  name: `batch-norm/${name}`,
  clause: "BN-2",
  code: P,
  says: ['BatchNorm "bn2" create', ...what],
  act: () => () => createBatchNorm({ name: "bn2", ...unchecked<object>(params) }),
}));

export const FILLER_ROWS: readonly ErrorRow[] = [
  {
    name: "batch-norm-scale/unknown-filler",
    clause: "S-3",
    code: P,
    says: ["BatchNormScale create", "filler.type", '"xavier"', '"constant"', "write()", "blobs"],
    act: () => () => createBatchNormScale({ filler: { type: unchecked("xavier") } }),
  },
  {
    name: "scale/unknown-filler",
    clause: "S-3",
    code: P,
    says: ['Scale "sc2" create', "biasFiller.type", '"nope"', '"constant"', "write()", "blobs"],
    act: () => () => createScale({ name: "sc2", biasFiller: { type: unchecked("nope") } }),
  },
  {
    name: "scale/filler-NaN",
    clause: "S-3",
    code: P,
    says: ['Scale "sc2" create', "filler.value", "NaN", "float32"],
    act: () => () => createScale({ name: "sc2", filler: { value: Number.NaN } }),
  },
  {
    name: "scale/num-axes--2",
    clause: "S-2",
    code: P,
    says: ['Scale "sc2" create', "numAxes", "-2", "0", "-1", "axes", "end"],
    act: () => () => createScale({ name: "sc2", numAxes: -2 }),
  },
  {
    name: "scale/axis-fractional",
    clause: "S-2",
    code: P,
    says: ['Scale "sc2" create', "axis", "1.5"],
    act: () => () => createScale({ name: "sc2", axis: 1.5 }),
  },
];
