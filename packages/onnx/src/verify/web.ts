// What of `@bn/onnx/verify` a page can use: no processes, no onnxruntime-node. The page says who runs models (`VerifyOptions.runtime`).
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
export { type VerifyOptions, verifyModel } from "./verify.ts";
