import { BnError } from "@bn/core";
import type { JsonCause, JsonReport, JsonResult } from "./json.ts";

/** The differences between two runs, case by case. */
export interface ReportDiff {
  /** Cases that failed (or did not run) now, and that did not fail or did not exist before. */
  readonly newlyFailed: readonly Change[];
  /** The causes that the new run has found, the most frequent first. `count` is the number of new failures with that cause. */
  readonly causes: readonly JsonCause[];
  readonly fixed: readonly Change[];
  readonly newlySkipped: readonly Change[];
  /** Cases of the old run that the new one lacks. */
  readonly missing: readonly JsonResult[];
  /** Cases of the new run that the old one lacks, and that did not fail. */
  readonly added: readonly JsonResult[];
  /** Cases that passed both times with an error that changed by `FACTOR` or more. The largest factor comes first. */
  readonly grown: readonly ErrorChange[];
  readonly shrunk: readonly ErrorChange[];
  readonly unchanged: number;
  /** The differences between the runs' environments, e.g. `runtime: Node.js 20.1.0 -> Node.js 24.2.0`. */
  readonly run: readonly string[];
}

export interface Change {
  readonly old: JsonResult | null;
  readonly now: JsonResult;
}

export interface ErrorChange {
  readonly old: JsonResult;
  readonly now: JsonResult;
  /** The new error divided by the old one, both in units of the bound; Infinity if the old one is 0. */
  readonly factor: number;
}

/** Any change in the order of summation causes smaller changes. */
const FACTOR = 2;
/** Errors below this part of their bound are nearly exact, so their factors mean nothing. */
const NOTHING = 1e-3;

const keyOf = ({ backend, id }: JsonResult) => `${backend}\n${id}`;
const isBad = ({ status }: JsonResult) => status === "failed" || status === "notRun";

/**
 * The changes from `old` to `now`. Results are matched by backend and id; `renameBackends` makes two backends match.
 */
export function diffReports(old: JsonReport, now: JsonReport): ReportDiff {
  const before = new Map(old.results.map((result) => [keyOf(result), result]));
  const after = new Set(now.results.map(keyOf));
  const newlyFailed: Change[] = [];
  const fixed: Change[] = [];
  const newlySkipped: Change[] = [];
  const added: JsonResult[] = [];
  const grown: ErrorChange[] = [];
  const shrunk: ErrorChange[] = [];
  let unchanged = 0;
  for (const result of now.results) {
    const was = before.get(keyOf(result)) ?? null;
    const factor = was ? factorOf(was, result) : 1;
    if (isBad(result) && !(was && isBad(was))) newlyFailed.push({ old: was, now: result });
    else if (!was) added.push(result);
    else if (was.status !== "skipped" && result.status === "skipped") newlySkipped.push({ old: was, now: result });
    else if (isBad(was) && result.status === "passed") fixed.push({ old: was, now: result });
    else if (factor >= FACTOR) grown.push({ old: was, now: result, factor });
    else if (factor <= 1 / FACTOR) shrunk.push({ old: was, now: result, factor });
    else unchanged++;
  }
  return {
    newlyFailed,
    causes: causesOfChanges(newlyFailed, now.causes),
    fixed,
    newlySkipped,
    missing: old.results.filter((result) => !after.has(keyOf(result))),
    added,
    grown: grown.sort((a, b) => b.factor - a.factor),
    shrunk: shrunk.sort((a, b) => a.factor - b.factor),
    unchanged,
    run: runChanges(old, now),
  };
}

function causesOfChanges(failed: readonly Change[], causes: readonly JsonCause[]): JsonCause[] {
  return causes
    .map((cause) => {
      const own = failed.filter(({ now }) => now.backend === cause.backend && now.cause === cause.key);
      const smallest = own.find(({ now }) => now.id === cause.smallest) ?? own[0];
      return { ...cause, count: own.length, smallest: smallest?.now.id ?? cause.smallest };
    })
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
}

/** `cpu=wasm` if each run has one backend and these differ, because they are to be compared. Otherwise null. */
export function pairOf(old: JsonReport, now: JsonReport): string | null {
  const [before, after] = [old, now].map(({ results }) => [...new Set(results.map(({ backend }) => backend))]);
  if (before?.length !== 1 || after?.length !== 1 || before[0] === after[0]) return null;
  return `${before[0]}=${after[0]}`;
}

/**
 * Renames one backend of each run so that two backends can be compared: `cpu=wasm` takes the old run's cpu and the new
 * run's wasm; `cpu` takes cpu of both.
 *
 * Errors: `ERR_BN_PARAM` if a report does not have that backend.
 */
export function renameBackends(old: JsonReport, now: JsonReport, pair: string): [JsonReport, JsonReport] {
  const [from, to = from] = pair.split("=") as [string, string?];
  const only = (report: JsonReport, name: string) => {
    const results = report.results.filter((r) => r.backend === name);
    if (results.length > 0) return results;
    const names = [...new Set(report.results.map((r) => r.backend))].join(", ");
    throw new BnError("ERR_BN_PARAM", `--backend ${pair}: a report has no backend "${name}", it has ${names}`);
  };
  const backend = from === to ? from : `${from} -> ${to}`;
  const named = (report: JsonReport, name: string): JsonReport => ({
    ...report,
    results: only(report, name).map((result) => ({ ...result, backend })),
    causes: report.causes.filter((cause) => cause.backend === name).map((cause) => ({ ...cause, backend })),
  });
  return [named(old, from), named(now, to)];
}

function factorOf(old: JsonResult, now: JsonResult): number {
  if (old.status !== "passed" || now.status !== "passed" || old.ratio === null || now.ratio === null) return 1;
  if (Math.max(old.ratio, now.ratio) < NOTHING) return 1;
  return old.ratio === 0 ? Number.POSITIVE_INFINITY : now.ratio / old.ratio;
}

function runChanges({ run: old }: JsonReport, { run: now }: JsonReport): string[] {
  if (!old || !now) return [];
  const changes: string[] = [];
  for (const key of ["suite", "contract", "seed", "tier", "runtime", "os", "cpu"] as const) {
    if (old[key] !== now[key]) changes.push(`${key}: ${old[key]} -> ${now[key]}`);
  }
  for (const name of new Set([...Object.keys(old.packages), ...Object.keys(now.packages)])) {
    const [was, is] = [old.packages[name] ?? "absent", now.packages[name] ?? "absent"];
    if (was !== is) changes.push(`${name}: ${was} -> ${is}`);
  }
  return changes;
}
