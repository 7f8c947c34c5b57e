import type { Backend, Dtype, Geometry } from "@bn/core";
import type { Case, Comparison } from "../../case.ts";
import { precisionOf } from "../../truth/bounds.ts";
import { DTYPES } from "../data.ts";
import { geometry, geometryText } from "../kernels/geometries.ts";
import { withOperands } from "../operands.ts";
import type { Tier } from "../sweep/sizes.ts";
import { EXTREME_KERNELS, type ExtremeKernel } from "./kernels.ts";
import { MAGNITUDES, type Magnitude } from "./magnitudes.ts";
import { type Extreme, extremeOperands, ordinaryOperands } from "./operands.ts";

/** Geometries with long rows, channels-last, short rows, channels-last with many channels, and one channel. */
const GEOMETRIES = [
  geometry(4, 3, 40),
  geometry(70, 5, 1),
  geometry(9, 4, 3),
  geometry(6, 130, 1),
  geometry(150, 1, 1),
];

/**
 * N-10: calls every kernel with operands for which an intermediate result would overflow or underflow although the
 * final result does not.
 */
export function extremeCases(tier: Tier): Case[] {
  const geometries = tier === "quick" ? GEOMETRIES.slice(0, 2) : GEOMETRIES;
  return DTYPES.flatMap((dtype) =>
    MAGNITUDES[dtype].flatMap((by) => {
      const sample = extremeOperands(ordinaryOperands("which", SAMPLE, by), by, dtype);
      return EXTREME_KERNELS.filter((kernel) => isPossible(kernel, by, sample)).map((kernel) =>
        extremeCase(kernel, by, dtype, geometries),
      );
    }),
  );
}

/** A geometry that decides whether the dtype holds the operands, which depends on the powers of two alone. */
const SAMPLE = geometry(2, 8, 4);

/** Whether the dtype holds all operands. Fused kernels compute the statistics of x, so x^ must be ordinary. */
function isPossible({ takes, needs }: ExtremeKernel, by: Magnitude, sample: Extreme): boolean {
  return !(needs?.fused && by.xhat !== 0) && takes.every((name) => sample[name] !== null);
}

function extremeCase(kernel: ExtremeKernel, by: Magnitude, dtype: Dtype, geometries: readonly Geometry[]): Case {
  const id = `extremes/${kernel.name}/${by.name.replaceAll(/[^a-z0-9^]+/gi, "-")}/${dtype}`;
  const on = async (backend: Backend, g: Geometry): Promise<Comparison[]> => {
    const ordinary = ordinaryOperands(`${id}|${geometryText(g)}`, g, by);
    const { eta, ...precision } = precisionOf(dtype, backend.supports);
    const p = { ...precision, eta: 0 };
    const extreme = extremeOperands(ordinary, by, dtype);
    const done = await withOperands(backend, dtype, (o) => kernel.run({ o, g, p, eta, by, ordinary, extreme }));
    return done.map((comparison) => ({ ...comparison, what: `${comparison.what} ${geometryText(g)}` }));
  };
  return {
    id,
    group: "extremes",
    clause: "N-10",
    needs: { dtype, fullRange: true, ...kernel.needs, ...by.needs },
    async run({ backend }) {
      const done: Comparison[] = [];
      for (const g of geometries) done.push(...(await on(backend, g)));
      return done;
    },
  };
}
