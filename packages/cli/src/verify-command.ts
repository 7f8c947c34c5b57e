import { readFile } from "node:fs/promises";
import { type Backend, BnError } from "@bn/core";
import { type VerifyReport, verifyModel } from "@bn/onnx";
import { type Available, backendsOf } from "./backends.ts";
import { checkWritable, writeReport } from "./output.ts";
import { createProgress } from "./progress.ts";
import { verifyJson, verifyPassed, verifyText } from "./verify-report.ts";

export interface VerifyOptions {
  readonly backend?: string;
  readonly json?: string;
}

/** `bn verify`: true if every node is within its bounds on every backend that has its dtype. */
export async function verifyCommand(path: string, options: VerifyOptions, signal: AbortSignal): Promise<boolean> {
  const { json } = options;
  if (json !== undefined) await checkWritable("--json", json);
  const bytes = await readFile(path).catch((cause: Error) => {
    throw new BnError("ERR_BN_DATA", `cannot read ${path}: ${cause.message}; name an ONNX model`, { cause });
  });
  const backends = await backendsOf(options.backend);
  const report = await verify(bytes, backends, signal);
  const table = json === "-" ? process.stderr : process.stdout;
  table.write(verifyText(report));
  if (json !== undefined) await writeReport(json, verifyJson(report));
  return verifyPassed(report);
}

async function verify(bytes: Uint8Array, backends: readonly Available[], signal: AbortSignal): Promise<VerifyReport> {
  const progress = createProgress(process.stderr, process.env);
  const opened: Backend[] = [];
  try {
    for (const { create } of backends) opened.push(await create());
    let started = false;
    const report = await verifyModel(bytes, opened, {
      signal,
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
