import type { Backend } from "@bn/core";
import { type VerifyOptions, type VerifyReport, verifyModel } from "@bn/onnx/verify";
import type { Available } from "./backends.ts";
import { createProgress } from "./progress.ts";

/** Runs `verifyModel` on newly created backends, with progress on standard error. */
export async function runVerify(
  bytes: Uint8Array,
  backends: readonly Available[],
  options: Omit<VerifyOptions, "onRow">,
): Promise<VerifyReport> {
  const progress = createProgress(process.stderr, process.env);
  const opened: Backend[] = [];
  const began = performance.now(); // the first row comes late, because the network has to run before it
  try {
    for (const { create } of backends) opened.push(await create());
    let started = false;
    const report = await verifyModel(bytes, opened, {
      ...options,
      onRow({ node }, done, total) {
        if (!started) progress.start("verify", total, began);
        started = true;
        progress.step(done, node);
      },
    });
    if (started) progress.end(`${report.rows.length} ${report.rows.length === 1 ? "node" : "nodes"}`);
    return { ...report, rows: report.rows.map((row) => ({ ...row, backends: named(row.backends, backends) })) };
  } finally {
    progress.clear();
    for (const backend of opened) await backend.dispose();
  }
}

/** Gives rows the names by which this run distinguishes its backends. */
function named<T>(rows: readonly T[], backends: readonly Available[]): T[] {
  return rows.map((row, i) => ({ ...row, backend: backends[i]?.name ?? "" }));
}
