import { causesOf } from "./causes.ts";
import type { Report } from "./table.ts";

/** GitHub shows at most ten annotations of each kind per step. */
const MOST = 10;

/** Workflow commands for GitHub Actions: one `::error` per cause, ending in a line break. Empty if nothing failed. */
export function githubAnnotations(report: Report): string {
  const lines = causesOf(report).map(({ backend, text, clause, count, smallest, repeat }) => {
    const body = [
      `${count} failed, e.g. ${smallest.id} (${clause})`,
      ...(repeat === null ? [] : [`repeat: ${repeat}`]),
    ];
    return `::error title=${property(`${backend}: ${text}`)}::${data(body.join("\n"))}`;
  });
  const notRun = report.results.filter(({ status }) => status === "notRun");
  if (notRun[0])
    lines.push(`::error title=not run::${data(`${notRun.length} cases were not run: ${notRun[0].reason}`)}`);
  return lines
    .slice(0, MOST)
    .map((line) => `${line}\n`)
    .join("");
}

const data = (text: string) => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
const property = (text: string) => data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
