import type { Case } from "../../case.ts";
import { precisionOf } from "../../truth/bounds.ts";
import { DTYPES, normals, OFFSET, sample } from "../data.ts";
import { geometryOf, withScope } from "../layer-kit.ts";
import { withoutFused } from "../without-fused.ts";
import { BACKWARD } from "./backward.ts";
import { BLOBS } from "./blobs.ts";
import { SHAPES } from "./shapes.ts";
import { STATISTICS } from "./statistics.ts";

const TABLE = [...STATISTICS, ...BACKWARD, ...SHAPES, ...BLOBS];

/** The state that layers keep between calls. */
export function stateCases(): Case[] {
  return DTYPES.flatMap((dtype) =>
    [true, false].flatMap((fused) =>
      TABLE.map(({ name, clause, needs = {}, run }): Case => {
        const id = `state/${name}/${fused ? "" : "unfused/"}${dtype}`;
        return {
          id,
          group: "layers",
          clause,
          needs: { dtype, ...(fused ? {} : { fused: true as const }), ...needs },
          run: ({ backend }) =>
            withScope(fused ? backend : withoutFused(backend), dtype, (scope) =>
              run({
                ...scope,
                dtype,
                p: precisionOf(dtype, backend.supports),
                seed: id,
                x: (tag, shape) => sample(`${id}|${tag}`, OFFSET, geometryOf(shape), dtype),
                dy: (tag, shape) =>
                  normals(
                    `${id}|dy ${tag}`,
                    shape.reduce((a, b) => a * b, 1),
                    dtype,
                  ),
              }),
            ),
        };
      }),
    ),
  );
}
