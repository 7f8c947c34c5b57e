export { type DiagnoseOptions, diagnoseModel } from "../diagnose/diagnose.ts";
export { type ProveOptions, proveFold } from "../prove/prove.ts";
export {
  type FoldProof,
  type LostChannel,
  type ProofComparison,
  type ProofOutput,
  type ProofRow,
  proofPassed,
} from "../prove/report.ts";
export { onnxCases } from "./cases.ts";
export { createRuntime, type RuntimeOptions } from "./process.ts";
export { onnxRuntimeMissing, runModel } from "./runtime.ts";
export {
  type Fault,
  type ValidateInput,
  type ValidateMode,
  type ValidateOptions,
  type ValidateRow,
  validate,
} from "./validate.ts";
export * from "./web.ts";
