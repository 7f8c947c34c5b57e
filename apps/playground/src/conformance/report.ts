import type { Result } from "@bn/conformance";
import { type JsonReport, jsonReport, type Report, type RunRecord } from "@bn/conformance/report";
import { CONTRACT_VERSION } from "@bn/core";
import { IMPORTING } from "../backends.ts";
import { browserText, processors, systemText } from "../facts/environment.ts";
import { type BackendRun, type RunState, SEED } from "./run.ts";

/** A run in the form in which `bn conformance` reports it: the same JSON, tables and differences. */
export function reportOf(state: RunState): Report {
  const ran = state.backends.filter(({ supports }) => supports !== null);
  return {
    run: recordOf(state),
    backends: ran.map(({ name, supports, contractVersion }) => ({
      name,
      spec: name,
      importing: IMPORTING[name],
      supports: supports as NonNullable<typeof supports>,
      contractVersion: contractVersion ?? CONTRACT_VERSION,
    })),
    results: ran.flatMap((one) => [...one.results, ...notRun(one)]),
  };
}

/** Cases that were not reached before the run ended. */
function notRun({ name, phase, cases, results }: BackendRun): Result[] {
  if (phase === "running" || phase === "starting" || cases.length === results.length) return [];
  const ran = new Set(results.map(({ id }) => id));
  const reason = phase === "cancelled" ? "the run was cancelled before it" : "the run ended before it";
  return cases
    .filter(({ id }) => !ran.has(id))
    .map((one) => ({ ...one, backend: name, status: "notRun", error: null, bound: null, ratio: null, reason }));
}

function recordOf({ started, seconds, tier, only, backends }: RunState): RunRecord {
  const names = ["@bn/core", ...backends.filter(({ supports }) => supports).map(({ name }) => `@bn/${name}`)];
  const cancelled = backends.some(({ phase }) => phase === "cancelled");
  const filter = only === null ? [] : ["--filter", "id" in only ? only.id : only.filter];
  return {
    date: started.toISOString(),
    seconds: Math.round(seconds * 1000) / 1000,
    suite: VERSIONS["@bn/conformance"] ?? "unknown",
    packages: Object.fromEntries(names.map((name) => [name, VERSIONS[name] ?? "unknown"])),
    contract: CONTRACT_VERSION,
    seed: SEED,
    tier,
    runtime: browserText(navigator.userAgent),
    os: systemText(navigator.userAgent),
    cpu: `${processors()} processors`,
    flags: [...(tier === "default" ? [] : [`--${tier}`]), ...filter],
    repeat: tier === "default" ? [] : [`--${tier}`],
    shard: null,
    ended: cancelled ? "cancelled" : null,
    notStarted: backends.flatMap(({ name, supports, problem }) =>
      supports === null && problem ? [{ backend: name, reason: problem.text }] : [],
    ),
  };
}

export const jsonOf = (state: RunState): string => jsonReport(reportOf(state));

/** The parts of a report that tables need: without causes and comparisons. */
export const tableReport = ({ backends, results }: JsonReport): Report => ({
  backends,
  results: results.map(({ worst: _worst, cause: _cause, ...result }) => result),
});
