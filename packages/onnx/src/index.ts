export { affineOf, type ChannelAffine, unusable } from "./fold/affine.ts";
export { type FoldAttempts, foldAttempts } from "./fold/attempts.ts";
export { type CheckFoldRow, checkFold, judgeFolds } from "./fold/check-fold.ts";
export { type Folded, type FoldOptions, foldModel } from "./fold/fold.ts";
export { convolutionLayout, deconvolutionLayout, matrixLayout } from "./fold/layouts.ts";
export { type Loss, lossOf } from "./fold/loss.ts";
export type { FoldRow } from "./fold/report.ts";
export type { FoldAttempt, FoldStep, FoldTask } from "./fold/task.ts";
export { type FoldTasks, foldTasks, type NamedNorm } from "./fold/tasks.ts";
export { type FoldedWeights, foldBehind, type WeightLayout } from "./fold/weights.ts";
export type { OpenShape } from "./graph/encode.ts";
export type { ReadExternal } from "./graph/external.ts";
export { batchNormOf, type LayerConstants, momentumAt, readBatchNorm, readScale } from "./layers/blobs.ts";
export { type CreatedLayer, type CreateOptions, createLayer } from "./layers/create.ts";
export type { Diagnostic, DiagnosticKind } from "./layers/diagnostic.ts";
export { exportNodes, type NodeOptions, type OnnxNodes, OPSETS, type Opset } from "./layers/export.ts";
export { type Imported, type ImportOptions, importModel } from "./layers/import.ts";
export { buildModel, type ModelOptions } from "./layers/model.ts";
export {
  type BatchNormRecord,
  type BatchNormScaleRecord,
  isNormRecord,
  type LayerRecord,
  type LayerSource,
  type NormRecord,
  quotients,
  type ScaleRecord,
  type Statistics,
} from "./layers/record.ts";
