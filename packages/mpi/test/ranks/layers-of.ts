import type { Backend } from "@bn/core";
import type { RankCase } from "./case.ts";
import { exactCases } from "./exact-cases.ts";
import { layerCases } from "./layer-cases.ts";
import { mistakeCases } from "./mistake-cases.ts";
import { stepCases } from "./step-cases.ts";

/**
 * All cases for synchronised layers on these backends. More than 4 ranks take long on few cores, so an odd and an even
 * number of ranks then run one half of the matrix each.
 */
export function layersOf(backends: readonly Backend[], size: number): readonly RankCase[] {
  const matrix = [...layerCases(backends), ...exactCases(backends)];
  const some = size > 4 ? backends.slice(0, 1) : backends;
  return [
    ...matrix.filter((_, i) => size <= 4 || i % 2 === size % 2),
    ...some.flatMap((backend) => [...mistakeCases(backend), ...stepCases(backend)]),
  ];
}
