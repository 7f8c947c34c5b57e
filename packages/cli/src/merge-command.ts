import { jsonText, mergeReports } from "@bn/conformance/report";
import { loadReport } from "./conformance-command.ts";
import { openOutputs } from "./files.ts";

/** `bn merge` resolves to true if nothing failed in the whole run. */
export async function mergeCommand(out: string, shards: readonly string[], force?: boolean): Promise<boolean> {
  const outputs = await openOutputs({ "the merged report": out }, force, shards);
  const reports = await Promise.all(shards.map(async (name) => ({ name, report: await loadReport(name) })));
  const merged = mergeReports(reports);
  await outputs.write({ "the merged report": () => jsonText(merged) });
  const { passed, failed, skipped, notRun } = merged.summary;
  const tail = notRun > 0 ? `, ${notRun} not run` : "";
  const text = `${reports.length} shards: ${passed} passed, ${failed} failed, ${skipped} skipped${tail}\n`;
  outputs.text.write(text);
  const { run, results } = merged;
  return results.every((r) => r.status === "passed" || r.status === "skipped" || r.known) && !run?.notStarted.length;
}
