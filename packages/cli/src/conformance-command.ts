import type { Case, Result } from "@bn/conformance";
import {
  githubAnnotations,
  htmlReport,
  type JsonReport,
  jsonReport,
  junitReport,
  type Known,
  type NotStarted,
  parseReport,
  type Report,
  type ReportedBackend,
  summarize,
  textReport,
  withBaseline,
} from "@bn/conformance/report";
import { isModulePath } from "./backend-module.ts";
import { factoryOf, packageOf, runsSideBySide, specsOf } from "./backends.ts";
import { type ConformanceOptions, type Settings, settingsOf, usualJobs } from "./conformance-options.ts";
import { bad, noBackend, readBytes, unavailable } from "./errors.ts";
import { type Outputs, openOutputs } from "./files.ts";
import { superviseLanes } from "./judge/lanes.ts";
import { INTERRUPTED, type Judged, type Judging, superviseBackend } from "./judge/supervise.ts";
import { colorOn, printable } from "./output.ts";
import { createProgress, type Progress } from "./progress.ts";
import { type Ran, runRecord } from "./run-record.ts";
import { chooseCases } from "./suite.ts";

type Placed = readonly { readonly one: Case; readonly index: number }[];

/**
 * `bn conformance` resolves to true if nothing failed. If there is no verdict it rejects, after it has reported
 * everything that was done.
 */
export async function conformanceCommand(options: ConformanceOptions, signal: AbortSignal): Promise<boolean> {
  const settings = settingsOf(options);
  const { json, html, junit, force } = options;
  const outputs = await openOutputs({ "--json": json, "--html": html, "--junit": junit }, force);
  const baseline = options.baseline === undefined ? null : await loadReport(options.baseline);
  const specs = specsOf(options.backend);
  const all = await chooseCases(settings.suite, (text) => process.stderr.write(text));
  const started = new Date();
  const placed = all.map((one, index) => ({ one, index }));
  const { shard } = settings;
  const cases = shard ? placed.filter(({ index }) => index % shard.count === shard.index - 1) : placed;
  const run = await runAll(specs, options.backend !== undefined, cases, settings, baseline, signal);
  const known: Known = baseline ? withBaseline(run.results, baseline) : { results: run.results, passed: [], gone: [] };
  const report: Report = {
    run: runRecord(settings, { started, ids: all.map(({ id }) => id), ...run }),
    backends: run.backends,
    results: known.results,
  };
  if (run.results.length > 0) printTable(report, known, outputs);
  if (run.results.length > 0 || run.notStarted.length > 0) {
    await outputs.write({
      "--json": () => jsonReport(report),
      "--html": () => htmlReport(report),
      "--junit": () => junitReport(report),
    });
  }
  if (settings.github) process.stderr.write(githubAnnotations(report));
  signal.throwIfAborted();
  return verdict(report, run.notStarted, options.backend !== undefined);
}

/** Reads a report that `--json` wrote. Errors: `ERR_BN_DATA`. */
export async function loadReport(path: string): Promise<JsonReport> {
  return parseReport(path, String(await readBytes(path)));
}

/**
 * A run fails because of failures that no baseline lists, and because of cases that did not run. If nothing was judged,
 * there is no verdict.
 */
function verdict({ results }: Report, notStarted: readonly NotStarted[], listed: boolean): boolean {
  const wrong = results.filter((r) => (r.status === "failed" && !r.known) || r.status === "notRun");
  const { passed, failed, skipped } = summarize(results);
  const [first] = notStarted;
  if (first && passed + failed === 0) throw unavailable(first.reason);
  if (passed + failed === 0 && skipped > 0) {
    throw bad(`all ${skipped} cases were skipped, so there is no verdict; choose another --filter`);
  }
  for (const { reason } of notStarted) process.stderr.write(`bn: ${reason}\n`);
  if (wrong.length > 0) return false;
  if (first) throw unavailable("a backend could not be tested, so there is no verdict on it");
  const unjudged = [...new Set(results.map(({ backend }) => backend))].find(
    (name) => !results.some((r) => r.backend === name && r.status !== "skipped"),
  );
  if (listed && unjudged !== undefined) {
    throw bad(`${unjudged}: all cases were skipped, so there is no verdict on it`);
  }
  return true;
}

function printTable(report: Report, known: Known, { text: stream }: Outputs): void {
  const notes = [
    ["known failures that pass now; remove them from the baseline", known.passed],
    ["known failures for which this run has no case", known.gone],
  ] as const;
  const text = notes
    .filter(([, ids]) => ids.length > 0)
    .map(
      ([title, ids]) =>
        `${title}:\n${ids
          .slice(0, 20)
          .map((id) => `  ${id}\n`)
          .join("")}${more(ids.length - 20)}\n`,
    );
  stream.write(text.join("") + textReport(report, { color: colorOn(stream, process.env) }));
}

const more = (count: number) => (count > 0 ? `  and ${count} more\n` : "");

interface Run extends Omit<Ran, "started" | "ids"> {
  readonly backends: readonly ReportedBackend[];
  readonly results: readonly Result[];
}

async function runAll(
  specs: readonly string[],
  listed: boolean,
  cases: Placed,
  { suite, limits, bail, jobs }: Settings,
  baseline: JsonReport | null,
  signal: AbortSignal,
): Promise<Run> {
  const progress = createProgress(process.stderr, process.env);
  const expected = new Set(baseline?.results.filter((r) => r.status === "failed").map((r) => `${r.backend}\n${r.id}`));
  const [backends, results, notStarted] = [[] as ReportedBackend[], [] as Result[], [] as NotStarted[]];
  let failures = 0;
  const ended = () => {
    if (signal.aborted) return INTERRUPTED;
    return bail !== null && failures >= bail ? `--bail ${bail}` : null;
  };
  const judging = { suite, limits, diagnose: true, stop: ended };
  // Names are determined first: a module that calls itself "cpu" must not be mixed up with cpu, and results are named
  // as they arrive.
  const names = new Map<string, string>();
  for (const spec of specs) {
    if (!isModulePath(spec)) names.set(spec, spec);
    else if (specs.length > 1) {
      const quiet = { onStart: () => {}, onResult: () => {} };
      const { started } = await superviseBackend({ ...judging, ...quiet, spec, name: null, cases: [] });
      if (!started) continue;
      names.set(spec, [...names.values()].includes(started.name) ? `${started.name} (${spec})` : started.name);
    }
  }
  const packages: string[] = [];
  for (const spec of specs) {
    let done = 0;
    // In a single process the first failures of a run are always the same, and --bail asks for those.
    const usual = runsSideBySide(spec) && bail === null ? usualJobs(cases.length) : 1;
    const given: Judging = {
      ...judging,
      spec,
      name: names.get(spec) ?? null,
      cases,
      onStart: (name) => progress.start(name, cases.length),
      onResult(result) {
        if (result.status === "failed" && !expected.has(`${result.backend}\n${result.id}`)) failures++;
        progress.step(++done, result.id);
      },
    };
    const judged = await superviseLanes(given, jobs ?? usual);
    tellEnd(progress, judged);
    const { started, noStart } = judged;
    if (started) {
      backends.push({ spec, importing: importing(spec), ...started });
      results.push(...judged.results);
      const from = packageOf(spec);
      if (from !== null) packages.push(from);
    } else if (noStart && !listed && noStart.code === "ERR_BN_UNAVAILABLE") {
      process.stderr.write(`${noStart.message}; it is skipped\n`);
    } else if (noStart) {
      const from = noStart.code === "" ? `backend ${spec}: ${noStart.message}` : noStart.message;
      notStarted.push({ backend: spec, reason: printable(noStart.frame ? `${from} (at ${noStart.frame})` : from) });
    }
  }
  if (backends.length === 0 && notStarted.length === 0 && !signal.aborted) {
    throw noBackend();
  }
  return { backends, results, notStarted, packages, ended: ended() };
}

/** The import statement by which a program that repeats a failure gets `create`. */
function importing(spec: string): string {
  const path = /^[./\\]|^[A-Za-z]:/.test(spec) ? spec : `./${spec}`;
  if (isModulePath(spec))
    return `const { default: made, createBackend: create = made } = await import(${JSON.stringify(path)});`;
  return `import { ${factoryOf(spec)} as create } from ${JSON.stringify(packageOf(spec))};`;
}

/**
 * Ends the line of progress, and reports what the backend's process printed, because a library should print nothing.
 */
function tellEnd(progress: Progress, { started, results, printed }: Judged): void {
  if (started) {
    const { passed, failed, skipped, notRun } = summarize(results);
    progress.end(`${passed} passed, ${failed} failed, ${skipped} skipped${notRun > 0 ? `, ${notRun} not run` : ""}`);
  } else progress.clear();
  if (printed.lines === 0) return;
  const name = started?.name ?? "the backend";
  const lines = printed.first.map((line) => `  ${line}\n`).join("");
  process.stderr.write(
    `${name} printed ${printed.lines} lines:\n${lines}${more(printed.lines - printed.first.length)}`,
  );
}
