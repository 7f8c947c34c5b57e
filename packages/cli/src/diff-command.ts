import { diffReports, diffText, pairOf, renameBackends } from "@bn/conformance/report";
import { loadReport } from "./conformance-command.ts";
import { dataError } from "./errors.ts";
import { openOutputs, type ReportOptions } from "./files.ts";
import { printable } from "./output.ts";

export interface DiffOptions extends ReportOptions {
  readonly backend?: string;
}

/** `bn diff` resolves to true if there are no new failures. */
export async function diffCommand(old: string, now: string, options: DiffOptions): Promise<boolean> {
  const { json, force, backend } = options;
  const outputs = await openOutputs({ "--json": json }, force, [old, now]);
  const [before, after] = await Promise.all([loadReport(old), loadReport(now)]);
  const pair = backend ?? pairOf(before, after);
  const diff = pair === null ? diffReports(before, after) : diffReports(...renameBackends(before, after, pair));
  if (diff.added.length === after.results.length) {
    throw dataError(
      `${old} and ${now} have no backend with common cases; --backend OLD=NEW compares two backends of different names`,
    );
  }
  const text = diffText(diff).split("\n").map(printable).join("\n");
  outputs.text.write(text);
  await outputs.write({ "--json": () => `${JSON.stringify(diff, null, 2)}\n` });
  return diff.newlyFailed.length === 0;
}
