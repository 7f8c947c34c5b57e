export { parseNpy } from "../calibrate/data/npy.ts";
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
export { type Finding, findings, worstOf } from "./findings.ts";
export { verifyHtml } from "./html.ts";
export { type InputPlan, inputNames } from "./inputs.ts";
export { createRuntime, type RuntimeOptions } from "./process.ts";
export {
  type BackendRow,
  countRows,
  runtimePassed,
  type VerifyReport,
  type VerifyRow,
  verifyPassed,
} from "./report.ts";
export { type Loaded, onnxRuntimeMissing, type Runtime, runModel, type Tensor } from "./runtime.ts";
export type { InputOptions } from "./taps.ts";
export {
  type Fault,
  type ValidateInput,
  type ValidateMode,
  type ValidateOptions,
  type ValidateRow,
  validate,
} from "./validate.ts";
export { type VerifyOptions, verifyModel } from "./verify.ts";
