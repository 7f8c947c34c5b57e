import type { Comparison, Result } from "../case.ts";
import { causesOf } from "./causes.ts";
import type { RunRecord } from "./record.ts";
import { numberText, type Report, type ReportedBackend, type Summary, summarize } from "./table.ts";

/** The JSON report. Keys may be added, but existing keys stay. */
export interface JsonReport {
  /** Null in reports of libraries that do not record their run. */
  readonly run: RunRecord | null;
  readonly summary: Summary;
  readonly backends: readonly ReportedBackend[];
  readonly results: readonly JsonResult[];
  readonly causes: readonly JsonCause[];
}

/** Failures of one backend with the same cause. */
export interface JsonCause {
  readonly backend: string;
  readonly key: string;
  readonly text: string;
  readonly clause: string;
  readonly count: number;
  /** The id of the case that should be looked at first. */
  readonly smallest: string;
  readonly call: string | null;
  readonly worst: JsonComparison | null;
  readonly snippet: string | null;
  readonly repeat: string | null;
}

export interface JsonComparison {
  readonly what: string;
  readonly index: { readonly outer: number; readonly channel: number; readonly inner: number };
  readonly got: number | string;
  readonly expected: number | string;
  readonly note?: string;
}

/**
 * One case on one backend. `error`, `bound` and `ratio` are null if nothing was compared. They are also null if the
 * number is infinite or NaN, which JSON cannot represent; `status` is then "failed", and `reason` and `worst` contain
 * the number.
 */
export interface JsonResult {
  readonly backend: string;
  readonly id: string;
  readonly group: string;
  readonly clause: string;
  readonly status: Result["status"];
  readonly error: number | null;
  readonly bound: number | null;
  readonly ratio: number | null;
  readonly reason: string;
  /**
   * Present if the case failed because of a number. Infinities, NaN and -0 are the strings "Infinity", "-Infinity",
   * "NaN", "-0".
   */
  readonly worst?: JsonComparison;
  /** The stack of the error, if the case threw. */
  readonly stack?: string;
  /** The `key` of one of the causes. */
  readonly cause?: string;
  readonly known?: true;
  readonly ms?: number;
}

/** The report as JSON text, one result or cause per line, ending in a line break. */
export function jsonReport(report: Report): string {
  return jsonText(jsonOf(report));
}

/** The JSON text of a report that was read or merged. */
export function jsonText({ run, summary, backends, results, causes }: JsonReport): string {
  const list = (items: readonly object[]) =>
    items.length === 0 ? "[]" : `[\n${items.map((item) => `    ${JSON.stringify(item)}`).join(",\n")}\n  ]`;
  const parts = {
    run: JSON.stringify(run),
    summary: JSON.stringify(summary),
    backends: list(backends),
    causes: list(causes),
    results: list(results),
  };
  const lines = Object.entries(parts).map(([key, value]) => `  "${key}": ${value}`);
  return `{\n${lines.join(",\n")}\n}\n`;
}

/** The JSON report as an object. */
function jsonOf(report: Report): JsonReport {
  const { run = null, backends, results } = report;
  const causes = causesOf(report).map(({ clauseText, ids, smallest, worst, ...cause }) => ({
    ...cause,
    smallest: smallest.id,
    worst: worst ? comparison(worst) : null,
  }));
  return { run, summary: summarize(results), backends, results: results.map(jsonResult), causes };
}

function jsonResult({ backend, id, group, clause, status, error, bound, ratio, reason, ...more }: Result): JsonResult {
  const { worst, stack, cause, known, ms } = more;
  return {
    backend,
    id,
    group,
    clause,
    status,
    error: finite(error),
    bound: finite(bound),
    ratio: finite(ratio),
    reason,
    ...(worst ? { worst: comparison(worst) } : {}),
    ...(stack === undefined ? {} : { stack }),
    ...(cause ? { cause: cause.key } : {}),
    ...(known ? { known } : {}),
    ...(ms === undefined ? {} : { ms: Math.round(ms * 1000) / 1000 }),
  };
}

function comparison({ what, at, got, expected, note }: Comparison): JsonComparison {
  const found = { what, index: at, got: numberOrName(got), expected: numberOrName(expected) };
  return note === undefined ? found : { ...found, note };
}

const finite = (x: number | null) => (x !== null && Number.isFinite(x) ? x : null);

/** A number in a form that JSON can keep: infinities, NaN and -0 by name. */
export const numberOrName = (x: number): number | string =>
  Number.isFinite(x) && !Object.is(x, -0) ? x : numberText(x);
