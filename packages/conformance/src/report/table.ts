import type { Supports } from "@bn/core";
import type { Result, Status } from "../case.ts";
import type { RunRecord } from "./record.ts";

/** The content of a report: the backends, and every result. */
export interface Report {
  readonly run?: RunRecord;
  readonly backends: readonly ReportedBackend[];
  readonly results: readonly Result[];
}

export interface ReportedBackend {
  /** The name in `Result.backend`. */
  readonly name: string;
  readonly supports: Supports;
  /** The name for `bn conformance --backend`: a backend or the path of a module. */
  readonly spec?: string;
  /** The statement that imports its `create`, for programs that repeat a failure. */
  readonly importing?: string;
  readonly contractVersion?: number;
}

export type Summary = Record<Status, number>;

/** The results of one backend in one group of cases (or in all of them). */
export interface Cell extends Summary {
  /** The largest error as a fraction of its bound; null if nothing was compared. */
  readonly worst: number | null;
}

/** The groups in the order of their first result, with one cell per backend, in the order of `backends`. */
export interface Table {
  readonly backends: readonly string[];
  readonly rows: readonly Row[];
  readonly total: readonly Cell[];
}

interface Row {
  readonly group: string;
  readonly cells: readonly Cell[];
}

export function summarize(results: readonly Pick<Result, "status">[]): Summary {
  const summary: Summary = { passed: 0, failed: 0, skipped: 0, notRun: 0 };
  for (const { status } of results) summary[status]++;
  return summary;
}

export function tabulate({ backends, results }: Report): Table {
  const names = backends.map(({ name }) => name);
  const cellsOf = (some: readonly Result[]) => names.map((name) => cellOf(some.filter((r) => r.backend === name)));
  const rows = [...groupBy(results, (r) => r.group)].map(([group, some]) => ({ group, cells: cellsOf(some) }));
  return { backends: names, rows, total: cellsOf(results) };
}

function cellOf(results: readonly Result[]): Cell {
  const worst = results.reduce<number | null>((a, { ratio }) => (ratio === null ? a : Math.max(a ?? 0, ratio)), null);
  return { ...summarize(results), worst };
}

/** Groups `items` by key, with keys in order of first appearance. */
export function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/**
 * A ratio in at most eight characters: `0`, `0.41`, `3e-5`, `12.3`, `2e+6`, `inf`, and `-` if nothing was compared. A
 * ratio just below 1 reads differently from one just above: `1-2e-7`, `1`, `1+2e-7`.
 */
export function ratioText(ratio: number | null): string {
  if (ratio === null) return "-";
  if (ratio === 0 || ratio === 1) return String(ratio);
  if (!Number.isFinite(ratio)) return "inf";
  if (Math.abs(ratio - 1) < 0.005) return `1${ratio < 1 ? "-" : "+"}${Math.abs(ratio - 1).toExponential(0)}`;
  if (ratio >= 1 && ratio < 999.5) return ratio.toPrecision(3);
  return ratio >= 1e-3 && ratio < 1 ? ratio.toFixed(ratio < 0.01 ? 3 : 2) : ratio.toExponential(0);
}

/** A number with all its digits and the sign of -0, because either can be the whole difference. */
export function numberText(x: number): string {
  return Object.is(x, -0) ? "-0" : String(x);
}
