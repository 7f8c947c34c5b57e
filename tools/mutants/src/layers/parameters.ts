import type { LayerMutant, LayerType, Params } from "./mutant.ts";

const NORMALIZING: readonly LayerType[] = ["BatchNorm", "BatchNormScale"];
const SCALING: readonly LayerType[] = ["BatchNormScale", "Scale"];
const ALL: readonly LayerType[] = ["BatchNorm", "BatchNormScale", "Scale"];

/** A parameter that is not used as given: it is left out, fixed, or replaced by another one. */
interface ParamFault {
  readonly name: string;
  readonly types: readonly LayerType[];
  readonly change: (given: Params) => Params;
}

const without = (key: string) => (given: Params) => {
  const { [key]: _, ...rest } = given;
  return rest;
};
const always = (key: string, value: unknown) => (given: Params) => ({ ...given, [key]: value });
const number = (key: string, byDefault: number, change: (value: number) => number) => (given: Params) => ({
  ...given,
  [key]: change((given[key] as number | undefined) ?? byDefault),
});

const FAULTS: readonly ParamFault[] = [
  { name: "eps ignored", types: NORMALIZING, change: without("eps") },
  { name: "eps doubled", types: NORMALIZING, change: number("eps", 1e-5, (v) => 2 * v) },
  { name: "eps in percent of itself off", types: NORMALIZING, change: number("eps", 1e-5, (v) => 1.01 * v) },
  { name: "eps lifted to 1e-5", types: NORMALIZING, change: number("eps", 1e-5, (v) => Math.max(v, 1e-5)) },
  { name: "eps clipped at 0.1", types: NORMALIZING, change: number("eps", 1e-5, (v) => Math.min(v, 0.1)) },
  { name: "movingAverageFraction ignored", types: NORMALIZING, change: without("movingAverageFraction") },
  {
    name: "movingAverageFraction taken for 1 - itself",
    types: NORMALIZING,
    change: number("movingAverageFraction", 0.999, (v) => 1 - v),
  },
  {
    name: "movingAverageFraction 0 taken for absent",
    types: NORMALIZING,
    change: (p) => ({ ...p, movingAverageFraction: p.movingAverageFraction || 0.999 }),
  },
  { name: "updateStats ignored", types: NORMALIZING, change: without("updateStats") },
  { name: "updateStats always false", types: NORMALIZING, change: always("updateStats", false) },
  { name: "useGlobalStats ignored", types: NORMALIZING, change: without("useGlobalStats") },
  { name: "useGlobalStats always true", types: NORMALIZING, change: always("useGlobalStats", true) },
  { name: "useGlobalStats always false", types: NORMALIZING, change: always("useGlobalStats", false) },
  { name: "phase ignored", types: NORMALIZING, change: without("phase") },
  { name: "phase always test", types: NORMALIZING, change: always("phase", "test") },
  { name: "axis ignored", types: ALL, change: without("axis") },
  { name: "a negative axis counted from 0", types: ALL, change: number("axis", 1, (v) => (v < 0 ? -v - 1 : v)) },
  { name: "numAxes ignored", types: ["Scale"], change: without("numAxes") },
  { name: "numAxes 0 taken for 1", types: ["Scale"], change: number("numAxes", 1, (v) => v || 1) },
  { name: "numAxes 2 taken for 1", types: ["Scale"], change: number("numAxes", 1, (v) => (v === 2 ? 1 : v)) },
  { name: "numAxes -1 taken for 1", types: ["Scale"], change: number("numAxes", 1, (v) => (v === -1 ? 1 : v)) },
  { name: "biasTerm ignored", types: SCALING, change: without("biasTerm") },
  { name: "biasTerm always true", types: SCALING, change: always("biasTerm", true) },
  { name: "filler ignored", types: SCALING, change: without("filler") },
  {
    name: "filler without value taken for 1",
    types: SCALING,
    change: (p) => (p.filler ? { ...p, filler: { value: 1, ...(p.filler as object) } } : p),
  },
  { name: "biasFiller ignored", types: SCALING, change: without("biasFiller") },
  {
    name: "filler and biasFiller swapped",
    types: SCALING,
    change: (p) => ({ ...p, filler: p.biasFiller ?? { value: 1 }, biasFiller: p.filler ?? { value: 0 } }),
  },
  { name: "given blobs ignored", types: ALL, change: without("blobs") },
];

export function parameterMutants(): LayerMutant[] {
  return FAULTS.flatMap(({ name, types, change }) =>
    types.map((type) => ({ id: `${type}: ${name}`, kind: name, type, params: change })),
  );
}
