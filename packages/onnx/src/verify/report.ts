import type { Comparison } from "@bn/conformance";
import type { Shape } from "@bn/core";
import type { Diagnostic } from "../layers/diagnostic.ts";
import type { InputPlan } from "./inputs.ts";

export interface VerifyReport {
  /** The inputs of the network. */
  readonly inputs: readonly InputPlan[];
  readonly rows: readonly VerifyRow[];
  /** Messages about nodes that were left out, assumptions, and suspected mistakes. */
  readonly diagnostics: readonly Diagnostic[];
}

/** One normalization node. */
export interface VerifyRow {
  /** Its name, or a text that identifies a node without a name. */
  readonly node: string;
  /** e.g. BatchNormalization. */
  readonly operator: string;
  /** "" at top level, otherwise its place: a function or a branch. */
  readonly where: string;
  /** The shape of X; empty if it is unknown. */
  readonly shape: Shape;
  readonly dtype: string;
  /** The largest |mean| / sqrt(variance + eps) of a channel, which shows how many digits can be lost. */
  readonly meanOverStd: number;
  /**
   * The number of channels whose values are all NaN in float64. Agreement with NaN proves nothing, so such a node has
   * not passed.
   */
  readonly nanChannels: number;
  /**
   * ONNX Runtime compared with float64, under O-1 to O-5. If this fails too, ONNX Runtime is the cause of its
   * disagreement with the backend.
   */
  readonly onnxRuntime: Comparison | null;
  /**
   * The reason why there is no comparison with ONNX Runtime, or none at all, or which part is left out; empty if
   * everything is compared.
   */
  readonly reason: string;
  readonly backends: readonly BackendRow[];
}

/** The result of one backend for a node. */
export interface BackendRow {
  readonly backend: string;
  /** "skipped": nothing was compared, or channels that are NaN on both sides were left out. */
  readonly status: "passed" | "failed" | "skipped";
  /**
   * Why it was skipped or failed. Usually empty if it passed. If only ONNX Runtime is wrong, the backend passes and the
   * text says so.
   */
  readonly reason: string;
  /** Compared with float64, under N-3 and N-4. */
  readonly float64: Comparison | null;
  /** Compared with ONNX Runtime, under both bounds together. */
  readonly onnxRuntime: Comparison | null;
}

/** How many (node, backend) pairs passed, failed and were not compared. */
export function countRows(rows: readonly VerifyRow[]): Record<BackendRow["status"], number> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { backends } of rows) for (const { status } of backends) counts[status]++;
  return counts;
}

/**
 * The worst reason why a run has not passed, in words; null if it has passed. With `allowNone`, a run without
 * comparisons passes.
 */
export function verifyFault({ rows, diagnostics }: VerifyReport, allowNone = false): string | null {
  const { passed, failed } = countRows(rows);
  const nan = rows.filter(({ nanChannels }) => nanChannels > 0).length;
  const faults: readonly (readonly [boolean, string])[] = [
    [failed > 0, `${failed} failed`],
    // The other comparisons are of little use without ONNX Runtime.
    [!rows.every(runtimePassed), "ONNX Runtime is off"],
    [diagnostics.some(({ kind }) => kind === "damaged"), "a node is damaged"],
    [nan > 0, `${nan} ${nan === 1 ? "node gives" : "nodes give"} NaN`],
    [passed === 0 && !allowNone, "nothing was compared"],
  ];
  return faults.find(([is]) => is)?.[1] ?? null;
}

/**
 * Whether a run has passed. No backend and no result of ONNX Runtime may exceed a bound, because the other comparisons
 * depend on ONNX Runtime. No node may be damaged, and no channel may be NaN throughout, because NaN is not agreement.
 * At least one comparison is required, unless `allowNone` is set.
 */
export function verifyPassed(report: VerifyReport, allowNone = false): boolean {
  return verifyFault(report, allowNone) === null;
}

export const runtimePassed = ({ onnxRuntime }: VerifyRow): boolean => onnxRuntime === null || onnxRuntime.ratio <= 1;
