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

/** One normalization node. */
export interface VerifyRow {
  /** Its name, or what tells it apart where it has none. */
  readonly node: string;
  /** e.g. BatchNormalization. */
  readonly operator: string;
  /** "" at top level, else where it lies: a function, a branch. */
  readonly where: string;
  /** The shape of X; empty where it is not known. */
  readonly shape: Shape;
  readonly dtype: string;
  /** The largest |mean| / sqrt(variance + eps) of a channel: how many digits can be lost. */
  readonly meanOverStd: number;
  /** Channels of which every value is NaN in float64: nothing can agree with that, so such a node has not passed. */
  readonly nanChannels: number;
  /** ONNX Runtime against float64, under O-1 to O-5: where this fails too, the other two disagree for its sake. */
  readonly onnxRuntime: Comparison | null;
  /** Why there is no comparison with ONNX Runtime, or none at all, or which part is left out; empty where all is compared. */
  readonly reason: string;
  readonly backends: readonly BackendRow[];
}

/** The result of one backend for a node. */
export interface BackendRow {
  readonly backend: string;
  /** "skipped": nothing was compared, or channels that are NaN on both sides were left out. */
  readonly status: "passed" | "failed" | "skipped";
  /**
   * Why it was skipped or failed. Empty where it passed, unless it is off an ONNX Runtime that is off float64 itself, which is
   * no fault of the backend.
   */
  readonly reason: string;
  /** Against float64, under N-3 and N-4. */
  readonly float64: Comparison | null;
  /** Against ONNX Runtime, under both bounds together. */
  readonly onnxRuntime: Comparison | null;
}

/** How many (node, backend) pairs passed, failed and were not compared. */
export function countRows(rows: readonly VerifyRow[]): Record<BackendRow["status"], number> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { backends } of rows) for (const { status } of backends) counts[status]++;
  return counts;
}

/** What keeps a run from having passed, in words, the worst of it; null where it has passed. `allowNone`: nothing compared will do. */
export function verifyFault({ rows, diagnostics }: VerifyReport, allowNone = false): string | null {
  const { passed, failed } = countRows(rows);
  const nan = rows.filter(({ nanChannels }) => nanChannels > 0).length;
  const faults: readonly (readonly [boolean, string])[] = [
    [failed > 0, `${failed} failed`],
    // The others are of little use without it.
    [!rows.every(runtimePassed), "ONNX Runtime is off"],
    [diagnostics.some(({ kind }) => kind === "damaged"), "a node is damaged"],
    [nan > 0, `${nan} ${nan === 1 ? "node gives" : "nodes give"} NaN`],
    [passed === 0 && !allowNone, "nothing was compared"],
  ];
  return faults.find(([is]) => is)?.[1] ?? null;
}

/**
 * Nothing is over a bound: no backend's, and not ONNX Runtime's own, without which the others mean little; no node is
 * damaged; no channel is NaN throughout, for NaN is not agreement; and something was compared, for nothing compared is no
 * success unless `allowNone` says that it may be.
 */
export function verifyPassed(report: VerifyReport, allowNone = false): boolean {
  return verifyFault(report, allowNone) === null;
}

export const runtimePassed = ({ onnxRuntime }: VerifyRow): boolean => onnxRuntime === null || onnxRuntime.ratio <= 1;
