export type { Case, Cause, Comparison, Context, Index, Needs, Result, Status } from "./case.ts";
export { type CaseOptions, cases, type Tier } from "./cases/index.ts";
export { type Random, random } from "./cases/random.ts";
export { withoutFused } from "./cases/without-fused.ts";
export * from "./goldens/index.ts";
export { type RunOptions, runCases } from "./run.ts";
export * as bounds from "./truth/bounds.ts";
export { compare } from "./truth/compare.ts";
export * as oracle from "./truth/oracle.ts";
