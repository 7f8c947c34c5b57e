export { onnxCases } from "./cases.ts";
export { type InputPlan, inputNames } from "./inputs.ts";
export { createRuntime, type RuntimeOptions } from "./process.ts";
export { type BackendRow, countRows, type VerifyReport, type VerifyRow } from "./report.ts";
export { type Loaded, onnxRuntimeMissing, type Runtime, runModel, type Tensor } from "./runtime.ts";
export {
  type Fault,
  type ValidateInput,
  type ValidateMode,
  type ValidateOptions,
  type ValidateRow,
  validate,
} from "./validate.ts";
export { type VerifyOptions, verifyModel } from "./verify.ts";
