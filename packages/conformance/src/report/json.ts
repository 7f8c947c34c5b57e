import type { Result } from "../case.ts";
import { numberText, type Report, type Summary, summarize } from "./table.ts";

/** The JSON report. Keys may be added; those that are here stay. */
export interface JsonReport {
  readonly summary: Summary;
  readonly results: readonly JsonResult[];
}

/**
 * One case on one backend. `error`, `bound` and `ratio` are null where nothing was compared, and where the number is
 * infinite or NaN, which JSON cannot write: `status` then is "failed", and `reason` and `worst` say which it was.
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
  /** Of a case that failed by a number; infinities, NaN and -0 as the strings "Infinity", "-Infinity", "NaN", "-0". */
  readonly worst?: {
    readonly what: string;
    readonly index: { readonly outer: number; readonly channel: number; readonly inner: number };
    readonly got: number | string;
    readonly expected: number | string;
    readonly note?: string;
  };
}

/** The report as JSON text, one result a line, ending in a line break. */
export function jsonReport(report: Report): string {
  const { summary, results } = jsonOf(report);
  const lines = results.map((result) => `    ${JSON.stringify(result)}`);
  return `{\n  "summary": ${JSON.stringify(summary)},\n  "results": [\n${lines.join(",\n")}\n  ]\n}\n`;
}

/** The same as an object. */
function jsonOf({ results }: Report): JsonReport {
  return { summary: summarize(results), results: results.map(jsonResult) };
}

function jsonResult({ backend, id, group, clause, status, error, bound, ratio, reason, worst }: Result): JsonResult {
  const numbers = { error: finite(error), bound: finite(bound), ratio: finite(ratio) };
  const base = { backend, id, group, clause, status, ...numbers, reason };
  if (!worst) return base;
  const { what, at, got, expected, note } = worst;
  const found = { what, index: at, got: numberOrName(got), expected: numberOrName(expected) };
  return { ...base, worst: note === undefined ? found : { ...found, note } };
}

const finite = (x: number | null) => (x !== null && Number.isFinite(x) ? x : null);

/** A number as JSON can keep it: infinities, NaN and -0 by name. */
export const numberOrName = (x: number): number | string =>
  Number.isFinite(x) && !Object.is(x, -0) ? x : numberText(x);
