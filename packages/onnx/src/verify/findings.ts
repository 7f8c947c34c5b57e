import type { Comparison } from "@bn/conformance";
import type { VerifyReport, VerifyRow } from "./report.ts";

/** One comparison of a node, with the two results that are compared. */
export interface Finding {
  /** The index of the node in the report, which is its depth. */
  readonly depth: number;
  readonly row: VerifyRow;
  readonly who: string;
  readonly against: "float64" | "ONNX Runtime";
  readonly comparison: Comparison;
}

/** Every comparison of a report, by depth. */
export function findings({ rows }: VerifyReport): Finding[] {
  return rows.flatMap((row, depth) => {
    const found = (who: string, against: Finding["against"], comparison: Comparison | null): Finding[] =>
      comparison ? [{ depth, row, who, against, comparison }] : [];
    return [
      ...found("ONNX Runtime", "float64", row.onnxRuntime),
      ...row.backends.flatMap(({ backend, float64, onnxRuntime }) => [
        ...found(backend, "float64", float64),
        ...found(backend, "ONNX Runtime", onnxRuntime),
      ]),
    ];
  });
}

/** The comparisons nearest to their bound or above it, worst first. Exact ones are not listed. */
export function worstOf(report: VerifyReport, count: number): Finding[] {
  return findings(report)
    .filter(({ comparison }) => comparison.ratio > 0)
    .toSorted((a, b) => b.comparison.ratio - a.comparison.ratio)
    .slice(0, count);
}
