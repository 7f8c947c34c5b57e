import { diffReports, diffText, type JsonReport } from "@bn/conformance/report";
import { BnError } from "@bn/core";
import { loadReport } from "./conformance-command.ts";
import { printable } from "./output.ts";

export interface DiffOptions {
  readonly json?: boolean;
  readonly backend?: string;
}

/** `bn diff`: true if nothing failed newly. */
export async function diffCommand(old: string, now: string, { json = false, backend }: DiffOptions): Promise<boolean> {
  const [before, after] = await Promise.all([loadReport(old), loadReport(now)]);
  const diff = backend === undefined ? diffReports(before, after) : diffReports(...renamed(before, after, backend));
  const text = json ? `${JSON.stringify(diff, null, 2)}\n` : `${diffText(diff).split("\n").map(printable).join("\n")}`;
  process.stdout.write(text);
  const shared = after.results.length - diff.added.length;
  if (backend === undefined && shared === 0) {
    throw new BnError(
      "ERR_BN_DATA",
      `${old} and ${now} have no case of one backend in common; --backend OLD=NEW compares two`,
    );
  }
  return diff.newlyFailed.length === 0;
}

/** One backend of each run under one name: `cpu=wasm` compares the old run's cpu with the new one's wasm. */
function renamed(before: JsonReport, after: JsonReport, pair: string): [JsonReport, JsonReport] {
  const [from, to = from] = pair.split("=") as [string, string?];
  const only = (report: JsonReport, name: string) => {
    const results = report.results.filter((r) => r.backend === name);
    if (results.length > 0) return results;
    const names = [...new Set(report.results.map((r) => r.backend))].join(", ");
    throw new BnError("ERR_BN_PARAM", `--backend ${pair}: a report has no backend "${name}", it has ${names}`);
  };
  const named = (results: JsonReport["results"]) =>
    results.map((r) => ({ ...r, backend: from === to ? from : `${from} -> ${to}` }));
  return [
    { ...before, results: named(only(before, from)) },
    { ...after, results: named(only(after, to)) },
  ];
}
