import { setImmediate } from "node:timers/promises";
import { type Case, type Result, runCases } from "@bn/conformance";
import { htmlReport, jsonReport, type Report, summarize, textReport } from "@bn/conformance/report";
import { BnError } from "@bn/core";
import { type Available, backendsOf } from "./backends.ts";
import { checkWritable, colorOn, writeReport } from "./output.ts";
import { createProgress } from "./progress.ts";
import { chooseCases } from "./suite.ts";

export interface ConformanceOptions {
  readonly backend?: string;
  readonly goldens?: string;
  readonly filter?: string;
  readonly json?: string;
  readonly html?: string;
}

/** `bn conformance`: true if nothing failed. */
export async function conformanceCommand(options: ConformanceOptions, signal: AbortSignal): Promise<boolean> {
  const { json, html } = options;
  if (json === "-" && html === "-") {
    throw new BnError("ERR_BN_PARAM", "--json - and --html - both name standard output; write one of them to a file");
  }
  if (json !== undefined) await checkWritable("--json", json);
  if (html !== undefined) await checkWritable("--html", html);
  // Input first: what is wrong with it should not wait for, or hide behind, what a GPU's driver has to say.
  const cases = await chooseCases(options.goldens, options.filter);
  const backends = await backendsOf(options.backend);

  const report = { backends, results: await runAll(backends, cases, signal) };
  const { passed, failed, skipped } = summarize(report.results);
  printTable(report, json === "-" || html === "-" ? process.stderr : process.stdout);
  if (json !== undefined) await writeReport(json, jsonReport(report));
  if (html !== undefined) await writeReport(html, htmlReport(report));
  if (passed + failed === 0) {
    throw new BnError("ERR_BN_PARAM", `all ${skipped} cases were skipped: that is no verdict; choose another --filter`);
  }
  return failed === 0;
}

function printTable(report: Report, stream: NodeJS.WriteStream): void {
  stream.write(textReport(report, { color: colorOn(stream, process.env) }));
}

async function runAll(backends: readonly Available[], cases: readonly Case[], signal: AbortSignal): Promise<Result[]> {
  const progress = createProgress(process.stderr, process.env);
  const results: Result[] = [];
  try {
    for (const { name, create } of backends) {
      progress.start(name, cases.length);
      const some = await runCases(name, create, withPauses(cases), {
        signal,
        onResult: ({ id }, done) => progress.step(done, id),
      });
      const { passed, failed, skipped } = summarize(some);
      progress.end(`${passed} passed, ${failed} failed, ${skipped} skipped`);
      results.push(...some);
    }
  } finally {
    progress.clear();
  }
  return results;
}

const MS_BETWEEN_PAUSES = 100;

/** A backend that computes at once never returns to the event loop, where Ctrl-C waits to be heard: cases let it. */
function withPauses(cases: readonly Case[]): Case[] {
  let last = performance.now();
  return cases.map((one) => ({
    ...one,
    async run(context) {
      if (performance.now() - last > MS_BETWEEN_PAUSES) {
        await setImmediate();
        last = performance.now();
      }
      return one.run(context);
    },
  }));
}
