import type { Comparison } from "@bn/conformance";
import { numberOrName, ratioText } from "@bn/conformance/report";
import { countRows, runtimePassed, type VerifyReport, type VerifyRow, worstOf } from "@bn/onnx/verify";
import { align } from "./align.ts";
import { paragraphs, printable } from "./output.ts";
import { said } from "./remarks.ts";

/** The number of failures that the text lists. The HTML page lists more. */
const WORST = 5;

/** One row per node with errors as fractions of their bounds, then failures, nodes that were left out, and totals. */
export function verifyText(report: VerifyReport): string {
  const { inputs, rows, diagnostics } = report;
  const names = rows[0]?.backends.map(({ backend }) => backend) ?? [];
  const compared = names.flatMap((name) => [`${name}~f64`, `${name}~ort`]);
  const head = ["node", "shape", "dtype", "|mean|/std", "ort~f64", ...compared];
  const cells = rows.map(({ node, shape, dtype, meanOverStd, onnxRuntime, backends }) => [
    printable(node),
    shape.join("x") || "-",
    dtype || "-",
    Number.isNaN(meanOverStd) ? "-" : meanOverStd.toPrecision(3),
    ratioText(onnxRuntime?.ratio ?? null),
    ...backends.flatMap((one) => [ratioText(one.float64?.ratio ?? null), ratioText(one.onnxRuntime?.ratio ?? null)]),
  ]);
  const failures = rows.flatMap((row) => [
    ...(runtimePassed(row) ? [] : [failureText("onnxruntime", row, "is off from float64", [row.onnxRuntime])]),
    ...row.backends
      .filter(({ status }) => status === "failed")
      .map((one) => failureText(one.backend, row, one.reason, [one.float64, one.onnxRuntime])),
  ]);
  const skipped = rows.flatMap((row) => notCompared(row));
  const worst = worstOf(report, WORST).map(({ row, who, against, comparison }) => {
    return [`  ${ratioText(comparison.ratio)}`, printable(row.node), `${who} against ${against}`];
  });
  const { passed, failed, skipped: count } = countRows(rows);
  return paragraphs([
    inputs.map(({ name, shape }) => `input ${printable(name)}  ${shape.join("x")}`).join("\n"),
    "Each number is the largest error of a backend or ONNX Runtime (ort) against float64 (f64) or ort, as a fraction of its bound: at most 1 passes.",
    align([head, ...cells], [1, 2]).join("\n"),
    worst.length > 0 ? `worst offenders\n${align(worst, [1, 2]).join("\n")}` : "",
    ...failures,
    skipped.join("\n"),
    said(diagnostics).join("\n"),
    passed + failed === 0 ? "nothing was compared, so there is no verdict (--allow-none accepts that)" : "",
    `${rows.length} ${rows.length === 1 ? "node" : "nodes"}: ${passed} passed, ${failed} failed, ${count} skipped`,
  ]);
}

/**
 * The reason why a row, or one of its backends, has no verdict or only a partial one. It is given once if all backends
 * have the same reason.
 */
function notCompared({ node, reason, onnxRuntime, backends }: VerifyRow): string[] {
  const left = backends.filter(({ status }) => status === "skipped");
  const alike =
    left.length > 0 && left.length === backends.length && left.every((one) => one.reason === left[0]?.reason);
  if (alike) return [`skipped  ${printable(node)}: ${printable(left[0]?.reason ?? "")}`];
  const lines = left.map((one) => `skipped  ${one.backend}  ${printable(node)}: ${printable(one.reason)}`);
  const what = onnxRuntime === null ? "without ONNX Runtime" : "in part";
  return reason === "" ? lines : [...lines, `${what}  ${printable(node)}: ${printable(reason)}`];
}

function failureText(who: string, row: VerifyRow, why: string, found: readonly (Comparison | null)[]): string {
  const worst = found.reduce<Comparison | null>((a, b) => (b && (!a || b.ratio > a.ratio) ? b : a), null);
  const lines = [`FAILED  ${who}  ${printable(row.node)}: ${why}`];
  if (worst) {
    const { what, at, got, expected, error, bound } = worst;
    lines.push(`  ${what}, index (outer, channel, inner) = (${at.outer}, ${at.channel}, ${at.inner})`);
    lines.push(`  got ${got}, expected ${expected}, error ${error}, allowed ${bound}`);
  }
  return lines.join("\n");
}

/**
 * `{ summary, inputs, nodes, diagnostics }`, with one node per line. Numbers that JSON cannot represent are written as
 * in the conformance report.
 */
export function verifyJson({ inputs, rows, diagnostics }: VerifyReport): string {
  const nodes = rows.map((row) => `    ${JSON.stringify(nodeJson(row))}`).join(",\n");
  const head = `"summary": ${JSON.stringify(countRows(rows))},\n  "inputs": ${JSON.stringify(inputs)}`;
  return `{\n  ${head},\n  "diagnostics": ${JSON.stringify(diagnostics)},\n  "nodes": [\n${nodes}\n  ]\n}\n`;
}

function nodeJson(row: VerifyRow) {
  const backends = row.backends.map((one) => {
    return { ...one, float64: comparisonJson(one.float64), onnxRuntime: comparisonJson(one.onnxRuntime) };
  });
  return { ...row, onnxRuntime: comparisonJson(row.onnxRuntime), backends };
}

function comparisonJson(found: Comparison | null) {
  if (found === null) return null;
  const { error, bound, ratio, at, got, expected } = found;
  return { error, bound, ratio, index: at, got: numberOrName(got), expected: numberOrName(expected) };
}
