import type { Comparison, Status } from "../case.ts";
import { type CauseGroup, causesOf, NOT_EXAMINED } from "./causes.ts";
import { type Cell, groupBy, numberText, type Report, ratioText, summarize, tabulate } from "./table.ts";

export interface TextOptions {
  /** Use colours of a terminal (ANSI). Default false. */
  readonly color?: boolean;
}

const ANSI = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;
type Paint = (style: keyof typeof ANSI, text: string) => string;

interface Column {
  readonly title: string;
  readonly text: (cell: Cell) => string;
  readonly style: (cell: Cell) => keyof typeof ANSI;
}

const COLUMNS: readonly Column[] = [
  { title: "pass", text: (c) => count(c.passed), style: (c) => (c.passed ? "green" : "dim") },
  { title: "fail", text: (c) => count(c.failed), style: (c) => (c.failed ? "red" : "dim") },
  { title: "skip", text: (c) => count(c.skipped), style: (c) => (c.skipped ? "yellow" : "dim") },
  { title: "worst", text: (c) => ratioText(c.worst), style: (c) => (c.worst && c.worst > 1 ? "red" : "dim") },
];
/** Shown only if something was not run. */
const NOT_RUN: Column = { title: "not run", text: (c) => count(c.notRun), style: (c) => (c.notRun ? "red" : "dim") };

const count = (n: number) => (n === 0 ? "-" : String(n));

/** The number of causes that are described in full. The others are counted. */
const CAUSES = 8;

/**
 * The report for a terminal, ending in a line break: a table of groups by backends (worst is the largest error as a
 * fraction of its bound), each cause of failures, the environment of each backend, skips by reason, and totals.
 */
export function textReport(report: Report, { color = false }: TextOptions = {}): string {
  const paint: Paint = (style, text) => (color ? `\x1b[${ANSI[style]}m${text}\x1b[0m` : text);
  const causes = causesOf(report);
  const told = causes.slice(0, CAUSES).map((cause) => causeText(cause, paint));
  const rest = causes.length > CAUSES ? `and ${causes.length - CAUSES} more causes: see --json or --html for all` : "";
  const facts = [
    detailsText(report),
    reasonsText(report, "skipped", "yellow", paint),
    reasonsText(report, "notRun", "red", paint),
  ];
  const blocks = [tableText(report, paint), ...told, rest, ...facts, totalText(report, paint)];
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

function tableText(report: Report, paint: Paint): string {
  const { backends, rows, total } = tabulate(report);
  const lines = [...rows, { group: "total", cells: total }];
  const first = Math.max(...lines.map(({ group }) => group.length));
  const columns = report.results.some((r) => r.status === "notRun") ? [...COLUMNS, NOT_RUN] : COLUMNS;
  const widths = backends.map((_, b) =>
    columns.map((c) => Math.max(c.title.length, ...lines.map(({ cells }) => c.text(cells[b] as Cell).length))),
  );
  const block = (b: number, cell: (c: Column, width: number) => string) =>
    columns.map((c, i) => cell(c, (widths[b] as number[])[i] as number)).join(" ");
  const line = (label: string, blocks: readonly string[]) => [label.padEnd(first), ...blocks].join("  ").trimEnd();
  const widthOf = (b: number) => block(b, (_, width) => " ".repeat(width)).length;
  const names = backends.map((name, b) => paint("bold", shortened(name, widthOf(b)).padEnd(widthOf(b))));
  const titleOf = (_: unknown, b: number) => block(b, (c, width) => c.title.padStart(width));
  const titles = backends.map(titleOf).map((text) => paint("dim", text));
  const cellOf = (cell: Cell, b: number) => block(b, (c, width) => paint(c.style(cell), c.text(cell).padStart(width)));
  const body = lines.map(({ group, cells }) => line(group, cells.map(cellOf)));
  return [line("", names), line("", titles), ...body].join("\n");
}

/**
 * Shortens a name that is wider than its columns, which would shift the following ones. Causes and details show the
 * full name.
 */
function shortened(name: string, width: number): string {
  return name.length <= width ? name : `${name.slice(0, width - 1)}\u2026`;
}

const WIDTH = 98;
/** The number of lines on a terminal. A cause takes no more than this. */
const SCREEN = 24;
/**
 * The most lines of a clause's text, a stack and a snippet. The rest is in the specification and in the JSON report.
 */
const LINES = { clause: 3, stack: 4, snippet: 16 } as const;

/** Describes one cause on one screen: the mistake, the clause, the numbers, and how to repeat it. */
function causeText(cause: CauseGroup, paint: Paint): string {
  const { backend, text, clause, clauseText, count: failures, smallest, call, worst, snippet, repeat } = cause;
  const cases = failures === 1 ? "1 case" : `${failures} cases`;
  const title = cause.key === NOT_EXAMINED ? text : `${text} (${clause})`;
  const head = wrap(`FAILED  ${backend}  ${title}`, 2).join("\n").replace("FAILED", paint("red", "FAILED"));
  if (cause.key === NOT_EXAMINED) return head.replace("more", String(failures));
  const repeats = repeat === null ? [] : [`  repeat   ${repeat}`];
  // The clauses K-1 to K-9 contain only the kernel's name, which the first line already shows.
  const clauseLines = clauseText.includes(" ") ? clip(wrap(`  ${clause}: ${clauseText}`, 4), LINES.clause) : [];
  const lines = [
    `  ${cases}, the smallest ${paint("bold", smallest.id)}`,
    ...clauseLines,
    ...(worst
      ? numbersOf(worst)
      : text.endsWith(smallest.reason)
        ? []
        : clip(wrap(`  ${smallest.reason}`, 4), LINES.stack)),
    ...framesOf(smallest.stack),
  ];
  const program = snippet?.split("\n").map((line) => `    ${line}`) ?? [];
  const whole = [head, ...lines, ...repeats, "  without the suite:", ...program].join("\n").split("\n");
  if (snippet !== null && rowsOf(whole) <= SCREEN && program.every((line) => line.length <= WIDTH))
    return whole.join("\n");
  const elsewhere = snippet === null ? [] : ["  --json has a program that makes this call without the suite"];
  const told = call === null ? [] : wrap(`  ${call}`, 4);
  return [head, ...lines, ...told, ...repeats, ...elsewhere].join("\n");
}

/** Counts rows of a terminal. A command stays on one line, however long, so that it can be copied. */
const rowsOf = (lines: readonly string[]) => lines.reduce((rows, { length }) => rows + Math.ceil(length / WIDTH), 0);

function numbersOf({ what, at, got, expected, error, bound, ratio, note }: Comparison): string[] {
  return [
    `  ${what}, index (outer, channel, inner) = (${at.outer}, ${at.channel}, ${at.inner})`,
    `  got      ${numberText(got)}`,
    `  expected ${numberText(expected)}`,
    `  error    ${error}, allowed ${bound}: ${ratioText(ratio)} of its bound`,
    ...(note === undefined ? [] : [`  note     ${note}`]),
  ];
}

/**
 * The frames of a stack. Those that belong neither to Node nor to the suite come first, because they are the user's own
 * code.
 */
function framesOf(stack: string | undefined): string[] {
  if (stack === undefined) return [];
  const frames = stack.split("\n").filter((line) => /^\s+at |^caused by /.test(line));
  const theirs = frames.filter(
    (line) => !/node:|[\\/]@bn[\\/]|[\\/](?:core|conformance|cli)[\\/](?:dist|src)[\\/]/.test(line),
  );
  return (theirs.length > 0 ? theirs : frames).slice(0, 2).map((line) => `  ${line.trim()}`);
}

function wrap(text: string, indent: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/(?<=\S) /)) {
    if (line !== "" && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = " ".repeat(indent) + word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function clip(lines: readonly string[], most: number): string[] {
  return lines.length <= most ? [...lines] : [...lines.slice(0, most - 1), `${lines[most - 1]} ...`];
}

/** The conditions that a number depends on apart from the code: the adapter, threads, SIMD. */
function detailsText({ backends }: Report): string {
  const lines = backends.map(({ name, supports }) => {
    const details = Object.entries(supports.details).map(([key, value]) => `${key} ${value}`);
    return details.length === 0 ? "" : `${name}: ${details.join("; ")}`;
  });
  return lines.filter((line) => line !== "").join("\n");
}

function reasonsText({ backends, results }: Report, status: Status, style: keyof typeof ANSI, paint: Paint): string {
  const some = results.filter((r) => r.status === status);
  const word = status === "notRun" ? "not run" : status;
  const lines = backends.flatMap(({ name }) => {
    const reasons = groupBy(
      some.filter((r) => r.backend === name),
      (r) => r.reason,
    );
    return [...reasons].map(([reason, all]) => `${name}: ${paint(style, `${all.length} ${word}`)}: ${reason}`);
  });
  return lines.join("\n");
}

function totalText({ results }: Report, paint: Paint): string {
  const { passed, failed, skipped, notRun } = summarize(results);
  const known = results.filter((r) => r.known).length;
  const parts = [
    `${passed} passed`,
    `${paint(failed ? "red" : "dim", `${failed} failed`)}${known > 0 ? ` (${known} known)` : ""}`,
    `${skipped} skipped`,
    ...(notRun > 0 ? [paint("red", `${notRun} not run`)] : []),
  ];
  return parts.join(", ");
}
