import type { Change, ErrorChange, ReportDiff } from "./diff.ts";
import type { JsonCause, JsonResult } from "./json.ts";
import { ratioText } from "./table.ts";

/** The largest number of lines of each kind. A diff of two engines can have thousands. */
const LINES = 20;

/** The diff for a terminal, ending in a line break; what is bad comes first, failures of one cause together. */
export function diffText(diff: ReportDiff): string {
  const told = new Set(diff.causes.map(({ backend, key }) => `${backend}\n${key}`));
  const others = diff.newlyFailed.filter(({ now }) => !told.has(`${now.backend}\n${now.cause}`));
  const blocks = [
    block("newly failed", [...diff.causes.map(causeText), ...others.map(changeText)]),
    block("fixed", diff.fixed.map(changeText)),
    block("newly skipped", diff.newlySkipped.map(changeText)),
    block("missing", diff.missing.map(nameOf)),
    block("error grown", diff.grown.map(errorText)),
    block("error shrunk", diff.shrunk.map(errorText)),
    block("the runs differ", diff.run),
  ];
  const counts = [
    `${diff.newlyFailed.length} newly failed`,
    `${diff.fixed.length} fixed`,
    `${diff.newlySkipped.length} newly skipped`,
    `${diff.missing.length} missing`,
    `${diff.added.length} new`,
    `${diff.grown.length} with more error`,
    `${diff.shrunk.length} with less`,
    `${diff.unchanged} as before`,
  ];
  return `${[...blocks.filter((text) => text !== ""), counts.join(", ")].join("\n\n")}\n`;
}

function block(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return "";
  const more = lines.length > LINES ? [`  and ${lines.length - LINES} more`] : [];
  return [title, ...lines.slice(0, LINES).map((line) => `  ${line}`), ...more].join("\n");
}

const nameOf = ({ backend, id }: JsonResult) => `${backend}  ${id}`;

function causeText({ backend, text, clause, count, smallest, repeat }: JsonCause): string {
  const cases = count === 1 ? `1 case, ${smallest}` : `${count} cases, the smallest ${smallest}`;
  return [`${backend}  ${text} (${clause})`, cases, ...(repeat === null ? [] : [`repeat  ${repeat}`])].join("\n    ");
}

function changeText({ old, now }: Change): string {
  return `${nameOf(now)}  ${old ? old.status : "absent"} -> ${now.status}${why(now)}`;
}

function errorText({ old, now, factor }: ErrorChange): string {
  return `${nameOf(now)}  ${ratioText(old.ratio)} -> ${ratioText(now.ratio)} of its bound (${factorText(factor)})`;
}

/** The first line of the reason, cut between words. */
function why({ status, reason }: JsonResult): string {
  if (status === "passed") return "";
  const line = reason.split("\n")[0] as string;
  return `: ${line.length <= LONG ? line : `${line.slice(0, LONG).replace(/\s+\S*$/, "")} ...`}`;
}

const LONG = 80;

function factorText(factor: number): string {
  if (factor === 0) return "to none";
  if (!Number.isFinite(factor)) return "from none";
  return factor >= 1 ? `${factor.toPrecision(2)} times` : `${(1 / factor).toPrecision(2)} times less`;
}
