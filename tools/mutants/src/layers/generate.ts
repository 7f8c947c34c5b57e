import { over } from "../over.ts";
import { GRADIENT_FAULTS } from "./gradients.ts";
import type { LayerMutant } from "./mutant.ts";
import { parameterMutants } from "./parameters.ts";
import { STATE_FAULTS } from "./statistics.ts";
import { valueMutants } from "./values.ts";

/** All mutants of layers in a fixed order: results x ways to select x effects, then parameters, then behaviour. */
export function generateLayers(): LayerMutant[] {
  const behaviour = [...STATE_FAULTS, ...GRADIENT_FAULTS].flatMap(({ name, types, parts }) =>
    types.map(
      (type): LayerMutant => ({
        id: `${type}: ${name}`,
        kind: name,
        type,
        plant: (layer) => over(layer, parts(layer)),
      }),
    ),
  );
  return [...valueMutants(), ...parameterMutants(), ...behaviour];
}
