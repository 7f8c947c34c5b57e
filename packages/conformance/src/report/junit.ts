import type { Result } from "../case.ts";
import { causesOf } from "./causes.ts";
import { groupBy, type Report } from "./table.ts";

/** The report as JUnit XML, which CI servers read: one suite per backend and group, and one test case per case. */
export function junitReport(report: Report): string {
  const { results } = report;
  const suites = [...groupBy(results, ({ backend, group }) => `${backend}.${group}`)].map(([name, some]) => {
    const count = (...statuses: readonly string[]) => some.filter((r) => statuses.includes(statusOf(r))).length;
    const head = `name="${xml(name)}" tests="${some.length}" failures="${count("failed")}" errors="${count("notRun")}" skipped="${count("skipped")}" time="${seconds(some)}"`;
    return `  <testsuite ${head}>\n${some.map(testCase).join("")}  </testsuite>\n`;
  });
  const notes = causesOf(report).map(({ backend, text, count }) => `${backend}: ${text} (${count})`);
  const comment = notes.length > 0 ? `<!--\n${notes.join("\n").replaceAll("--", "- -")}\n-->\n` : "";
  return `<?xml version="1.0" encoding="UTF-8"?>\n${comment}<testsuites name="bn conformance" tests="${results.length}">\n${suites.join("")}</testsuites>\n`;
}

/** A failure that the baseline lists does not break a build. */
const statusOf = ({ status, known }: Result) => (known ? "skipped" : status);

function testCase(result: Result): string {
  const { backend, id, group, clause, reason, cause, stack, ms = 0 } = result;
  const head = `    <testcase name="${xml(id)}" classname="${xml(`${backend}.${group}`)}" time="${(ms / 1000).toFixed(3)}"`;
  const status = statusOf(result);
  if (status === "passed") return `${head}/>\n`;
  const message = xml(cause ? `${clause}: ${reason} (${cause.text})` : `${clause}: ${reason}`);
  if (status === "skipped")
    return `${head}><skipped message="${result.known ? "known failure: " : ""}${message}"/></testcase>\n`;
  const body = xml([stack, cause?.call, cause?.snippet].filter((part) => part !== undefined).join("\n"));
  if (status === "notRun") return `${head}><error type="notRun" message="${message}"/></testcase>\n`;
  return `${head}><failure type="${xml(clause)}" message="${message}">${body}</failure></testcase>\n`;
}

const seconds = (results: readonly Result[]) => (results.reduce((sum, { ms = 0 }) => sum + ms, 0) / 1000).toFixed(3);

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\n": "&#10;",
};

/** Escapes text and removes the control characters that XML forbids. */
function xml(text: string): string {
  return text
    .replace(/(?![\t\n\r])\p{Cc}|[\ufffe\uffff]/gu, "\ufffd")
    .replace(/[&<>"\n]/g, (c) => ENTITIES[c] as string);
}
