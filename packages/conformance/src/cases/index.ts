import type { Case } from "../case.ts";
import { errorCases } from "./errors/index.ts";
import { exactCases } from "./exact.ts";
import { gradientCases } from "./gradients.ts";
import { kernelCases } from "./kernels/index.ts";
import { layerCases } from "./layers.ts";
import { memoryCases } from "./memory/index.ts";
import { metamorphicCases } from "./metamorphic.ts";
import { scaleCases } from "./scale.ts";
import { stateCases } from "./state/index.ts";

/** All cases that need no file, in a fixed order. */
export function cases(): Case[] {
  return [
    ...memoryCases(),
    ...kernelCases(),
    ...layerCases(),
    ...scaleCases(),
    ...stateCases(),
    ...exactCases(),
    ...gradientCases(),
    ...metamorphicCases(),
    ...errorCases(),
  ];
}
