export * as bounds from "./bounds.ts";
export type { Case, Comparison, Context, Index, Needs, Result, Status } from "./case.ts";
export { cases } from "./cases/index.ts";
export { compare } from "./compare.ts";
export { withoutFused } from "./fused.ts";
export * from "./goldens/index.ts";
export * as oracle from "./oracle.ts";
export { type Random, random } from "./random.ts";
export { type RunOptions, runCases } from "./run.ts";
