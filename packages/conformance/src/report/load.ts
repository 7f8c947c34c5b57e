import { BnError } from "@bn/core";
import type { JsonReport, JsonResult } from "./json.ts";
import type { RunRecord } from "./record.ts";
import { type ReportedBackend, summarize } from "./table.ts";

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
    throw bad(`it is not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  if (!isObject(value) || !Array.isArray(value.results)) throw bad("it has no list `results`");
  for (const [i, result] of value.results.entries()) {
    if (!isObject(result)) throw bad(`results[${i}] is not an object`);
    for (const key of ["backend", "id", "status"]) {
      if (typeof result[key] !== "string") throw bad(`results[${i}].${key} is not text`);
    }
    if (!STATUSES.includes(result.status as string)) {
      throw bad(`results[${i}].status is ${JSON.stringify(result.status)}, expected one of ${STATUSES.join(", ")}`);
    }
  }
  for (const [i, backend] of listOf(value.backends, "backends", bad).entries()) {
    if (!isObject(backend) || typeof backend.name !== "string") throw bad(`backends[${i}].name is not text`);
    if (!isObject(backend.supports) || !isObject(backend.supports.details)) {
      throw bad(`backends[${i}].supports.details is not an object`);
    }
  }
  listOf(value.causes, "causes", bad);
  const run = runOf(value.run, bad);
  const { backends, results, causes = [] } = value as Partial<JsonReport> & Pick<JsonReport, "results">;
  return { run, summary: summarize(results), backends: backends ?? backendsOf(results), results, causes };
}

type Bad = (what: string) => BnError;

function listOf(value: unknown, name: string, bad: Bad): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw bad(`${name} is not a list`);
  return value;
}

/** The fields of a record that a report leaves out. */
const UNKNOWN: RunRecord = {
  date: "",
  seconds: 0,
  suite: "unknown",
  packages: {},
  contract: 0,
  seed: null,
  tier: null,
  runtime: "unknown",
  os: "unknown",
  cpu: "unknown",
  flags: [],
  repeat: [],
  shard: null,
  ended: null,
  notStarted: [],
};

function runOf(run: unknown, bad: Bad): RunRecord | null {
  if (run === undefined || run === null) return null;
  if (!isObject(run)) throw bad("run is not an object");
  const missing: Record<string, unknown> = {};
  for (const [key, usual] of Object.entries(UNKNOWN)) {
    if (run[key] === undefined) missing[key] = usual;
    else if (usual !== null && kindOf(run[key]) !== kindOf(usual)) throw bad(`run.${key} is not ${kindOf(usual)}`);
  }
  return { ...(run as Partial<RunRecord>), ...missing } as RunRecord;
}

const KINDS: Readonly<Record<string, string>> = { string: "text", number: "a number" };

const kindOf = (value: unknown): string =>
  Array.isArray(value) ? "a list" : isObject(value) ? "an object" : (KINDS[typeof value] ?? typeof value);

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
