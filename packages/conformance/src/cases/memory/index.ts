import type { Case } from "../../case.ts";
import { DTYPES } from "../data.ts";
import { scopedCase } from "../layer-kit.ts";
import type { Tier } from "../sweep/sizes.ts";
import { BLOB_ROWS } from "./blobs.ts";
import { BUFFER_ROWS } from "./buffers.ts";
import { INSTANCE_CASES } from "./instances.ts";
import { lengthCases } from "./lengths.ts";
import { OWNERSHIP_CASES } from "./ownership.ts";
import { sizeCases } from "./sizes.ts";
import { valueCases } from "./values.ts";

/** K-9, K-11 and B-1 to B-6. */
export function memoryCases(tier: Tier): Case[] {
  return [
    ...sizeCases(tier),
    ...lengthCases(tier),
    ...valueCases(tier),
    ...DTYPES.flatMap((dtype) =>
      [...BUFFER_ROWS, ...BLOB_ROWS].map(({ name, clause, run }) =>
        scopedCase({ id: `memory/${name}/${dtype}`, group: "memory", clause, dtype }, run),
      ),
    ),
    ...INSTANCE_CASES,
    ...OWNERSHIP_CASES,
  ];
}
