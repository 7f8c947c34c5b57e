import type { Case } from "../case.ts";
import { exactCases } from "./exact.ts";
import { extremeCases } from "./extremes/index.ts";
import { failureCases } from "./failures/index.ts";
import { gradientCases } from "./gradients.ts";
import { kernelCases } from "./kernels/index.ts";
import { longRunCases } from "./kernels/long-run.ts";
import { scopedCases } from "./layers.ts";
import { memoryCases } from "./memory/index.ts";
import { metamorphicCases } from "./metamorphic.ts";
import { scaleCases } from "./scale.ts";
import { stateCases } from "./state/index.ts";
import { sweepCases } from "./sweep/index.ts";
import type { Tier } from "./sweep/sizes.ts";

export type { Tier } from "./sweep/sizes.ts";

/** Options that choose the cases. */
export interface CaseOptions {
  /**
   * `quick` has some sizes and takes seconds, `default` takes less than a minute on a processor, and `full` has
   * everything. Default: `default`.
   */
  readonly tier?: Tier;
  /** The seed that draws the geometries between the boundaries. Default: `1`. */
  readonly seed?: string | number;
}

/**
 * All cases that need no file, in a fixed order. Ids do not depend on the seed; only the geometries of the cases
 * `.../drawn-N/...` do.
 */
export function cases({ tier = "default", seed = 1 }: CaseOptions = {}): Case[] {
  return [
    ...memoryCases(tier),
    ...failureCases(),
    ...kernelCases(tier),
    ...longRunCases(),
    ...extremeCases(tier),
    ...sweepCases(tier, String(seed)),
    ...scopedCases(tier),
    ...scaleCases(),
    ...stateCases(),
    ...exactCases(),
    ...gradientCases(),
    ...metamorphicCases(),
  ];
}
