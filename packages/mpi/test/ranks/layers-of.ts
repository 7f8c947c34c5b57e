import type { Backend } from "@bn/core";
import type { RankCase } from "./case.ts";
import { exactCases } from "./exact-cases.ts";
import { layerCases } from "./layer-cases.ts";
import { mistakeCases } from "./mistake-cases.ts";
import { stepCases } from "./step-cases.ts";

/** All that synchronised layers promise, on these backends. */
export const layersOf = (backends: readonly Backend[]): readonly RankCase[] => [
  ...layerCases(backends),
  ...exactCases(backends),
  ...backends.flatMap((backend) => [...mistakeCases(backend), ...stepCases(backend)]),
];
