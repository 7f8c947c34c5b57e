import { basename } from "node:path";
import { type Backend, BnError } from "@bn/core";
import { type OpenedModel, openModel } from "@bn/onnx/node";
import { inputNames, type VerifyReport, verifyModel } from "@bn/onnx/verify";
import { type Available, backendsOf } from "./backends.ts";
import { feedsFor, type GivenInputs, readInputs } from "./inputs-option.ts";
import { checkWritable, writeReport } from "./output.ts";
import { createProgress } from "./progress.ts";
import { verifyHtml } from "./verify-html.ts";
import { verifyJson, verifyPassed, verifyText } from "./verify-report.ts";

export interface VerifyOptions {
  readonly backend?: string;
  readonly input?: readonly string[];
  readonly json?: string;
  readonly html?: string;
}

/** `bn verify`: true if every node is within its bounds on every backend that has its dtype. */
export async function verifyCommand(path: string, options: VerifyOptions, signal: AbortSignal): Promise<boolean> {
  const { json, html } = options;
  if (json === "-" && html === "-") {
    throw new BnError("ERR_BN_PARAM", "--json - and --html - both name standard output; write one of them to a file");
  }
  if (json !== undefined) await checkWritable("--json", json);
  if (html !== undefined) await checkWritable("--html", html);
  const opened = await openModel(path);
  const inputs = await readInputs(options.input ?? []);
  const backends = await backendsOf(options.backend);
  const report = await verify(opened, inputs, backends, signal);
  const table = json === "-" || html === "-" ? process.stderr : process.stdout;
  table.write(verifyText(report));
  if (json !== undefined) await writeReport(json, verifyJson(report));
  if (html !== undefined) await writeReport(html, verifyHtml(basename(path), report));
  return verifyPassed(report);
}

async function verify(
  { bytes, external }: OpenedModel,
  inputs: GivenInputs,
  backends: readonly Available[],
  signal: AbortSignal,
): Promise<VerifyReport> {
  const progress = createProgress(process.stderr, process.env);
  const opened: Backend[] = [];
  try {
    const feeds = feedsFor(inputs, () => inputNames(bytes));
    for (const { create } of backends) opened.push(await create());
    let started = false;
    const report = await verifyModel(bytes, opened, {
      signal,
      external,
      feeds,
      onRow({ node }, done, total) {
        if (!started) progress.start("verify", total);
        started = true;
        progress.step(done, node);
      },
    });
    progress.end(`${report.rows.length} nodes`);
    return { ...report, rows: report.rows.map((row) => ({ ...row, backends: named(row.backends, backends) })) };
  } finally {
    progress.clear();
    for (const backend of opened) await backend.dispose();
  }
}

/** Rows under the names that this run tells its backends apart by. */
function named<T>(rows: readonly T[], backends: readonly Available[]): T[] {
  return rows.map((row, i) => ({ ...row, backend: backends[i]?.name ?? "" }));
}
