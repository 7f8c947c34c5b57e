import type { Case } from "../../case.ts";
import { DTYPES, normals, OFFSET, sample } from "../data.ts";
import { geometryOf, scopedCase } from "../layer-kit.ts";
import { BACKWARD } from "./backward.ts";
import { BLOBS } from "./blobs.ts";
import { SHAPES } from "./shapes.ts";
import { STATISTICS } from "./statistics.ts";
import { countOf, SHAPE } from "./tools.ts";

const TABLE = [...STATISTICS, ...BACKWARD, ...SHAPES, ...BLOBS];

/** The state that layers keep between calls. */
export function stateCases(): Case[] {
  return DTYPES.flatMap((dtype) =>
    [true, false].flatMap((fused) =>
      TABLE.map(({ name, clause, needs, run }): Case => {
        const id = `state/${name}/${fused ? "" : "unfused/"}${dtype}`;
        return scopedCase({ id, group: "layers", clause, dtype, needs, fused }, (t) =>
          run({
            ...t,
            x: (tag, shape = SHAPE) => sample(`${id}|${tag}`, OFFSET, geometryOf(shape), dtype),
            dy: (tag, shape = SHAPE) => normals(`${id}|dy ${tag}`, countOf(shape), dtype),
          }),
        );
      }),
    ),
  );
}
