// The part of `@bn/onnx/verify` that a page can use, without processes and without onnxruntime-node. The page provides
// the runtime (`VerifyOptions.runtime`).
export { parseNpy } from "../calibrate/data/npy.ts";
export { type Finding, findings, worstOf } from "./findings.ts";
export { verifyHtml } from "./html.ts";
export { type InputPlan, inputNames } from "./inputs.ts";
export {
  type BackendRow,
  countRows,
  runtimePassed,
  type VerifyReport,
  type VerifyRow,
  verifyPassed,
} from "./report.ts";
export type { Loaded, Runtime, Tensor } from "./runtime.ts";
export type { InputOptions } from "./taps.ts";
export { type VerifyOptions, verifyModel } from "./verify.ts";
