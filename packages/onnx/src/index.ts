export { onnxCases } from "./cases.ts";
export type { Diagnostic, DiagnosticKind } from "./diagnostic.ts";
export type { OpenShape } from "./encode.ts";
export { exportNodes, type NodeOptions, type OnnxNodes, OPSETS, type Opset } from "./export.ts";
export type { ReadExternal } from "./external.ts";
export { type Imported, type ImportedLayer, type ImportOptions, importModel } from "./import.ts";
export { type CreatedLayer, type CreateOptions, createImported } from "./imported.ts";
export { type InputPlan, inputNames } from "./inputs.ts";
export { buildModel, type ModelOptions } from "./model.ts";
export {
  batchNormOf,
  type LayerConstants,
  momentumAt,
  type OnnxBatchNorm,
  type OnnxLayer,
  type OnnxScale,
  readBatchNorm,
  readScale,
} from "./read.ts";
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
