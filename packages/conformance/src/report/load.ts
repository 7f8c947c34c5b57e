import { BnError } from "@bn/core";
import { type JsonReport, type JsonResult, summarizeJson } from "./json.ts";
import type { ReportedBackend } from "./table.ts";

/**
 * Parses the JSON text of a report.
 *
 * Errors: `ERR_BN_DATA` with `name`, the place and the expected value.
 */
export function parseReport(name: string, text: string): JsonReport {
  const bad = (what: string) =>
    new BnError("ERR_BN_DATA", `${name}: ${what}; expected a report that \`bn conformance --json\` wrote`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw bad(`it is no JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  if (!isObject(value) || !Array.isArray(value.results)) throw bad("it has no list `results`");
  for (const [i, result] of value.results.entries()) {
    if (!isObject(result)) throw bad(`results[${i}] is not an object`);
    for (const key of ["backend", "id", "status"]) {
      if (typeof result[key] !== "string") throw bad(`results[${i}].${key} is not text`);
    }
    if (!STATUSES.includes(result.status as string)) {
      throw bad(`results[${i}].status is ${JSON.stringify(result.status)}, none of ${STATUSES.join(", ")}`);
    }
  }
  const { run = null, backends, results, causes = [] } = value as Partial<JsonReport> & Pick<JsonReport, "results">;
  return { run, summary: summarizeJson(results), backends: backends ?? backendsOf(results), results, causes };
}

/** Reports of release 0.1 list no backends. */
function backendsOf(results: readonly JsonResult[]): ReportedBackend[] {
  const supports = {
    dtypes: [],
    hostVisible: false,
    nonFinite: false,
    subnormals: false,
    correctlyRounded: false,
    deterministic: false,
    threads: 1,
    details: {},
  };
  return [...new Set(results.map(({ backend }) => backend))].map((name) => ({ name, supports }));
}

const STATUSES: readonly string[] = ["passed", "failed", "skipped", "notRun"];

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
