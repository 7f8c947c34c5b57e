import type { Geometry } from "@bn/core";
import type { Case } from "../../case.ts";
import { DTYPES } from "../data.ts";
import type { CoveredKernel } from "../sweep/calls.ts";
import { CHANNEL_KERNELS, copyAndFill } from "../sweep/channel-kernels.ts";
import { FUSED_KERNELS } from "../sweep/fused-kernels.ts";
import { caseOf } from "../sweep/index.ts";
import { MAP_KERNELS } from "../sweep/map-kernels.ts";
import { REDUCTION_KERNELS } from "../sweep/reduction-kernels.ts";
import type { Row } from "../sweep/rows.ts";
import { sizeOf, type Tier } from "../sweep/sizes.ts";
import { FEW_GEOMETRIES, GEOMETRIES, geometryText, LONG, WIDE } from "./geometries.ts";
import { splitMoments } from "./split-moments.ts";

const REDUCTIONS = [...REDUCTION_KERNELS, splitMoments];
const KERNELS = [...REDUCTIONS, ...MAP_KERNELS, copyAndFill, ...CHANNEL_KERNELS, ...FUSED_KERNELS];
const EPS = Math.fround(1e-3);
/** Larger tensors get the most complete calls only. */
const LARGE = 100_000;

/** K-1 to K-12 on single geometries, each in all options of the kernel: the small cases that a person looks at first. */
export function kernelCases(tier: Tier): Case[] {
  const on = (kernels: readonly CoveredKernel[], geometries: readonly Geometry[]) =>
    kernels.flatMap((kernel) => geometries.map((g) => ({ kernel, name: geometryText(g), rows: rowsOn(kernel, g) })));
  const all = on(KERNELS, tier === "quick" ? FEW_GEOMETRIES : GEOMETRIES);
  if (tier === "quick") return DTYPES.flatMap((dtype) => all.map((one) => caseOf("kernels", one, dtype)));
  const [wide, long] = [on(KERNELS, [WIDE]), on(REDUCTIONS, [LONG])]; // the length of a channel does not matter to maps
  return DTYPES.flatMap((dtype) =>
    [...all, ...(dtype === "float32" ? wide : []), ...long].map((one) => caseOf("kernels", one, dtype)),
  );
}

/** Every option, out of place and in place. Rows alternate between normal values and a mixture of special values. */
function rowsOn({ options, mayAlias, over }: CoveredKernel, g: Geometry): Row[] {
  const large = sizeOf(g) > LARGE;
  const flat = over === "length" ? { outer: 1, channels: 1, inner: sizeOf(g) } : g;
  const own = g.outer * g.inner;
  return options.slice(large ? -2 : 0).flatMap((option, i) =>
    (mayAlias ? [false, true] : [false]).map((inPlace): Row => {
      const normal = (i + Number(inPlace)) % 2 === 0;
      const m = inPlace ? own + 2 ** 33 + 1 : own;
      return { g: flat, start: 1, option, inPlace, surroundings: "guarded", next: "once", eps: EPS, m, normal };
    }),
  );
}
