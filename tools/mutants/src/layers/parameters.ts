import { ALL, NORMALIZING, SCALING } from "./fault.ts";
import type { LayerMutant, LayerType, Params } from "./mutant.ts";

const without = (key: string) => (given: Params) => {
  const { [key]: _, ...rest } = given;
  return rest;
};
const always = (key: string, value: unknown) => (given: Params) => ({ ...given, [key]: value });
const number = (key: string, byDefault: number, change: (value: number) => number) => (given: Params) => ({
  ...given,
  [key]: change((given[key] as number | undefined) ?? byDefault),
});

/** A parameter that is not used as given: it is left out, fixed, or replaced by another one. */
const FAULTS: readonly (readonly [name: string, types: readonly LayerType[], change: (given: Params) => Params])[] = [
  ["eps ignored", NORMALIZING, without("eps")],
  ["eps doubled", NORMALIZING, number("eps", 1e-5, (v) => 2 * v)],
  ["eps in percent of itself off", NORMALIZING, number("eps", 1e-5, (v) => 1.01 * v)],
  ["eps lifted to 1e-5", NORMALIZING, number("eps", 1e-5, (v) => Math.max(v, 1e-5))],
  ["eps clipped at 0.1", NORMALIZING, number("eps", 1e-5, (v) => Math.min(v, 0.1))],
  ["movingAverageFraction ignored", NORMALIZING, without("movingAverageFraction")],
  ["movingAverageFraction taken for 1 - itself", NORMALIZING, number("movingAverageFraction", 0.999, (v) => 1 - v)],
  [
    "movingAverageFraction 0 taken for absent",
    NORMALIZING,
    (p) => ({ ...p, movingAverageFraction: p.movingAverageFraction || 0.999 }),
  ],
  ["updateStats ignored", NORMALIZING, without("updateStats")],
  ["updateStats always false", NORMALIZING, always("updateStats", false)],
  ["useGlobalStats ignored", NORMALIZING, without("useGlobalStats")],
  ["useGlobalStats always true", NORMALIZING, always("useGlobalStats", true)],
  ["useGlobalStats always false", NORMALIZING, always("useGlobalStats", false)],
  ["phase ignored", NORMALIZING, without("phase")],
  ["phase always test", NORMALIZING, always("phase", "test")],
  ["axis ignored", ALL, without("axis")],
  ["a negative axis counted from 0", ALL, number("axis", 1, (v) => (v < 0 ? -v - 1 : v))],
  ["numAxes ignored", ["Scale"], without("numAxes")],
  ["numAxes 0 taken for 1", ["Scale"], number("numAxes", 1, (v) => v || 1)],
  ["numAxes 2 taken for 1", ["Scale"], number("numAxes", 1, (v) => (v === 2 ? 1 : v))],
  ["numAxes -1 taken for 1", ["Scale"], number("numAxes", 1, (v) => (v === -1 ? 1 : v))],
  ["biasTerm ignored", SCALING, without("biasTerm")],
  ["biasTerm always true", SCALING, always("biasTerm", true)],
  ["filler ignored", SCALING, without("filler")],
  [
    "filler without value taken for 1",
    SCALING,
    (p) => (p.filler ? { ...p, filler: { value: 1, ...(p.filler as object) } } : p),
  ],
  ["biasFiller ignored", SCALING, without("biasFiller")],
  [
    "filler and biasFiller swapped",
    SCALING,
    (p) => ({ ...p, filler: p.biasFiller ?? { value: 1 }, biasFiller: p.filler ?? { value: 0 } }),
  ],
  ["given blobs ignored", ALL, without("blobs")],
];

export function parameterMutants(): LayerMutant[] {
  return FAULTS.flatMap(([name, types, change]) =>
    types.map((type) => ({ id: `${type}: ${name}`, kind: name, type, params: change })),
  );
}
