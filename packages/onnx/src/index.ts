export { onnxCases } from "./cases.ts";
export type { InputPlan } from "./inputs.ts";
export {
  buildModel,
  type LayerConstants,
  type ModelOptions,
  momentumAt,
  type OnnxBatchNorm,
  type OpenShape,
  readBatchNorm,
} from "./model.ts";
export type { BackendRow, VerifyReport, VerifyRow } from "./report.ts";
export { onnxRuntimeMissing, runModel, type Tensor } from "./runtime.ts";
export { type VerifyOptions, verifyModel } from "./verify.ts";
