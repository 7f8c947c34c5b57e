import type { CalibrationRow, Spread } from "@bn/onnx/calibrate";
import { align } from "./align.ts";
import { named, paragraphs, printable } from "./output.ts";

/** Explains the numbers of a report. */
export const LEGEND = [
  "shift: (new mean - old mean) / sqrt(new variance + eps). ratio: new variance / old variance. Both are taken over a node's channels.",
  "The variance written is the unbiased one, m2 / (count - 1), as Caffe and PyTorch store it.",
] as const;

export function countCalibrated(rows: readonly CalibrationRow[]) {
  const recalibrated = rows.filter(({ status }) => status === "recalibrated").length;
  return { recalibrated, left: rows.length - recalibrated };
}

/** One line per node, then the nodes that were not changed with the reasons. */
export function calibrateText(rows: readonly CalibrationRow[]): string {
  const done = rows.filter(({ status }) => status === "recalibrated");
  const head = ["node", "channels", "values", "shift", "least", "most", "ratio", "least", "most"];
  const table = done.map(({ node, channels, count, shift, ratio }) => {
    return [printable(node), String(channels), String(count), ...cells(shift), ...cells(ratio)];
  });
  const { recalibrated, left } = countCalibrated(rows);
  return paragraphs([
    done.length > 0
      ? `${LEGEND.join("\n")}\nThe three columns of each are the median, the smallest and the largest value.`
      : "",
    done.length > 0 ? align([head, ...table], [1, 2, 3, 4, 5, 6, 7, 8]).join("\n") : "",
    done.flatMap(remarksOf).join("\n"),
    rows
      .filter(({ status }) => status === "left")
      .map(({ node, reason }) => `left ${printable(node)}: ${printable(reason)}`)
      .join("\n"),
    recalibrated === 0 ? "no node was recalibrated, so no model is written" : "",
    `${recalibrated} recalibrated, ${left} left`,
  ]);
}

/** Remarks on a node in addition to its numbers. */
export function remarksOf({ node, constant, channels, shared }: CalibrationRow): string[] {
  const name = printable(node);
  return [
    ...(constant > 0
      ? [`${name}: ${constant} of ${channels} channels are constant in this data: their variance is 0`]
      : []),
    ...(shared.length > 0
      ? [`${name}: shared its statistics with ${printable(shared.join(", "))}; it now has its own`]
      : []),
  ];
}

function cells(spread: Spread | null): string[] {
  return spread === null ? ["-", "-", "-"] : [spread.median, spread.least, spread.most].map(numberText);
}

/** Formats a number with three digits, or fewer if a report needs no more. */
export function numberText(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || value === 0) return String(value);
  return size >= 0.005 && size < 1e4 ? String(Number(value.toPrecision(3))) : value.toExponential(0);
}

export function calibrateJson(rows: readonly CalibrationRow[]): string {
  const nodes = rows.map((row) => `    ${JSON.stringify(row, named)}`);
  return `{\n  "summary": ${JSON.stringify(countCalibrated(rows))},\n  "nodes": [\n${nodes.join(",\n")}\n  ]\n}\n`;
}
