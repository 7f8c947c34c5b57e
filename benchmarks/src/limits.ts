import { isMap, kernelOf } from "./jobs.ts";
import type { Row } from "./row.ts";

/**
 * The time that a kernel may take on any shape: a multiple of its time on one row with as many elements, plus a
 * constant per channel and per call.
 */
const TIMES_OF_MAP = 1.3;
const TIMES_OF_REDUCTION = 1.5;
const NS_PER_CHANNEL = 3;
const NS_PER_CALL = 500;

interface Limit {
  readonly row: Row;
  /** Nanoseconds: measured, measured on one long row, and allowed. */
  readonly ns: number;
  readonly longNs: number;
  readonly limitNs: number;
}

/** The limit of each kernel on one thread; null if there is no measurement of the same kernel on one long row. */
function limitsOf(rows: readonly Row[]): Limit[] {
  return rows.flatMap((row) => {
    const long = rows.find(
      ({ impl, op, shape, dtype }) =>
        impl === `one row (${row.impl})` && op === row.op && dtype === row.dtype && shape.join() === row.shape.join(),
    );
    if (long === undefined || row.threads !== 1) return [];
    const channels = row.shape[1] ?? 1;
    const longNs = long.medianMs * 1e6;
    const times = isMap(kernelOf(row)) ? TIMES_OF_MAP : TIMES_OF_REDUCTION;
    const limitNs = times * longNs + NS_PER_CHANNEL * channels + NS_PER_CALL;
    return [{ row, ns: row.medianMs * 1e6, longNs, limitNs }];
  });
}

/** A Markdown table with one line per kernel and shape, the worst first. */
export function limitsTable(rows: readonly Row[]): string {
  const limits = limitsOf(rows).sort((a, b) => b.ns / b.limitNs - a.ns / a.limitNs);
  const over = limits.filter(({ ns, limitNs }) => ns > limitNs).length;
  const lines = limits.map(({ row, ns, longNs, limitNs }) => {
    const cells = [
      row.op.slice("kernel ".length),
      `[${row.shape.join(", ")}]`,
      row.dtype,
      ...[ns, longNs, limitNs].map((time) => time.toPrecision(3)),
      `${(ns / limitNs).toFixed(2)} ${ns > limitNs ? "over" : "ok"}`,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    `Limit: one row of as many elements x ${TIMES_OF_REDUCTION} (maps x ${TIMES_OF_MAP}) + ${NS_PER_CHANNEL} ns per channel + ${NS_PER_CALL} ns per call. Over: ${over} of ${limits.length}.`,
    "",
    "| kernel | [outer, channels, inner] | dtype | ns | one row, ns | limit, ns | of the limit |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...lines,
    "",
  ].join("\n");
}
