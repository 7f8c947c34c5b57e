import type { Comparison } from "@bn/conformance";
import type { Shape } from "@bn/core";
import type { Diagnostic } from "../layers/diagnostic.ts";
import type { InputPlan } from "./inputs.ts";

export interface VerifyReport {
  /** What the network read. */
  readonly inputs: readonly InputPlan[];
  readonly rows: readonly VerifyRow[];
  /** Nodes that were left out, what was assumed, what looks wrong. */
  readonly diagnostics: readonly Diagnostic[];
}

/** One BatchNormalization node. */
export interface VerifyRow {
  /** Its name, or what tells it apart where it has none. */
  readonly node: string;
  readonly shape: Shape;
  readonly dtype: string;
  /** The largest |mean| / sqrt(variance + eps) of a channel: how many digits there are to lose. */
  readonly meanOverStd: number;
  /** ONNX Runtime against float64, under O-1: where this fails too, the other two disagree for its sake. */
  readonly onnxRuntime: Comparison | null;
  readonly backends: readonly BackendRow[];
}

/** What one backend made of a node. */
export interface BackendRow {
  readonly backend: string;
  readonly status: "passed" | "failed" | "skipped";
  /**
   * Why it was skipped or failed. Empty where it passed, unless it is off an ONNX Runtime that is off float64 itself, which is
   * no fault of the backend.
   */
  readonly reason: string;
  /** Against float64, under N-3. */
  readonly float64: Comparison | null;
  /** Against ONNX Runtime, under N-3 and O-1 together. */
  readonly onnxRuntime: Comparison | null;
}
