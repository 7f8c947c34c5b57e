import type { Backend } from "@bn/core";
import type { RankCase } from "./case.ts";
import { exactCases } from "./exact-cases.ts";
import { layerCases } from "./layer-cases.ts";
import { mistakeCases } from "./mistake-cases.ts";
import { stepCases } from "./step-cases.ts";

/**
 * All that synchronised layers promise, on these backends. More than 4 ranks, on few cores, take their time: of the matrix an odd and
 * an even number of ranks then run a half each.
 */
export function layersOf(backends: readonly Backend[], size: number): readonly RankCase[] {
  const matrix = [...layerCases(backends), ...exactCases(backends)];
  const some = size > 4 ? backends.slice(0, 1) : backends;
  return [
    ...matrix.filter((_, i) => size <= 4 || i % 2 === size % 2),
    ...some.flatMap((backend) => [...mistakeCases(backend), ...stepCases(backend)]),
  ];
}
