export { onnxCases } from "./cases.ts";
export { type InputPlan, inputNames } from "./inputs.ts";
export type { BackendRow, VerifyReport, VerifyRow } from "./report.ts";
export { onnxRuntimeMissing, runModel, type Tensor } from "./runtime.ts";
export {
  type Fault,
  type ValidateInput,
  type ValidateMode,
  type ValidateOptions,
  type ValidateRow,
  validate,
} from "./validate.ts";
export { type VerifyOptions, verifyModel } from "./verify.ts";
