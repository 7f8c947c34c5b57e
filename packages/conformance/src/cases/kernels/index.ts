import type { Dtype, Geometry } from "@bn/core";
import type { Case } from "../../case.ts";
import { precisionOf } from "../../truth/bounds.ts";
import { DTYPES } from "../data.ts";
import { withOperands } from "../operands.ts";
import type { Tier } from "../sweep/sizes.ts";
import { FUSED } from "./fused.ts";
import { FEW_GEOMETRIES, GEOMETRIES, geometryText, LONG, WIDE } from "./geometries.ts";
import { inputsFor, type Kernel } from "./inputs.ts";
import { MAPS } from "./maps.ts";
import { REDUCTIONS } from "./reductions.ts";
import { STATISTICS } from "./statistics.ts";

const KERNELS = [...REDUCTIONS, ...MAPS, ...STATISTICS, ...FUSED];

/**
 * K-1 to K-10: compares every kernel with the oracle, on inputs of its own. Outputs start as garbage, and buffers are
 * guarded.
 */
export function kernelCases(tier: Tier): Case[] {
  if (tier === "quick") {
    return DTYPES.flatMap((dtype) =>
      KERNELS.flatMap((kernel) => FEW_GEOMETRIES.map((g) => kernelCase(kernel, g, dtype))),
    );
  }
  return DTYPES.flatMap((dtype) => [
    ...KERNELS.flatMap((kernel) => GEOMETRIES.map((g) => kernelCase(kernel, g, dtype))),
    ...(dtype === "float32" ? KERNELS.map((kernel) => kernelCase(kernel, WIDE, dtype)) : []),
    ...REDUCTIONS.map((kernel) => kernelCase(kernel, LONG, dtype)), // the length of a channel does not matter to maps
  ]);
}

function kernelCase({ name, clause, needs = {}, run }: Kernel, g: Geometry, dtype: Dtype): Case {
  const id = `kernels/${name}/${geometryText(g)}/${dtype}`;
  return {
    id,
    group: "kernels",
    clause,
    needs: { dtype, ...needs },
    run: ({ backend }) =>
      withOperands(backend, dtype, (o) => run(o, g, inputsFor(id, g, dtype), precisionOf(dtype, backend.supports), id)),
  };
}
