import type { Result } from "../case.ts";
import { type Cell, groupBy, numberText, type Report, ratioText, summarize, tabulate } from "./table.ts";

export interface TextOptions {
  /** Colours for a terminal (ANSI). Default false. */
  readonly color?: boolean;
}

const ANSI = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;
type Paint = (style: keyof typeof ANSI, text: string) => string;

const COLUMNS: readonly { title: string; text: (cell: Cell) => string; style: (cell: Cell) => keyof typeof ANSI }[] = [
  { title: "passed", text: (c) => count(c.passed), style: (c) => (c.passed ? "green" : "dim") },
  { title: "failed", text: (c) => count(c.failed), style: (c) => (c.failed ? "red" : "dim") },
  { title: "skipped", text: (c) => count(c.skipped), style: (c) => (c.skipped ? "yellow" : "dim") },
  { title: "worst", text: (c) => ratioText(c.worst), style: (c) => (c.worst && c.worst > 1 ? "red" : "dim") },
];

const count = (n: number) => (n === 0 ? "-" : String(n));

/**
 * The report for a terminal, ending in a line break: a table of groups by backends (worst is the largest error as a
 * fraction of its bound), every failure with its numbers, what each backend ran on, skips by reason, totals.
 */
export function textReport(report: Report, { color = false }: TextOptions = {}): string {
  const paint: Paint = (style, text) => (color ? `\x1b[${ANSI[style]}m${text}\x1b[0m` : text);
  const failures = report.results.filter((r) => r.status === "failed").map((r) => failureText(r, paint));
  const seed = failures.length > 0 ? "Where a case draws its inputs, its id is the seed." : "";
  const facts = [detailsText(report), skipsText(report, paint)];
  const blocks = [tableText(report, paint), ...failures, seed, ...facts, totalText(report, paint)];
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

function tableText(report: Report, paint: Paint): string {
  const { backends, rows, total } = tabulate(report);
  const lines = [...rows, { group: "total", cells: total }];
  const first = Math.max(...lines.map(({ group }) => group.length));
  // A backend's name may be wider than its four columns: the first column takes the rest.
  const widths = backends.map((name, b) => {
    const own = COLUMNS.map((c) =>
      Math.max(c.title.length, ...lines.map(({ cells }) => c.text(cells[b] as Cell).length)),
    );
    const spare = name.length - (own.reduce((sum, width) => sum + width, 0) + 2 * (own.length - 1));
    return own.map((width, i) => (i === 0 ? width + Math.max(spare, 0) : width));
  });
  const block = (b: number, cell: (c: (typeof COLUMNS)[number], width: number) => string) =>
    COLUMNS.map((c, i) => cell(c, (widths[b] as number[])[i] as number)).join("  ");
  const line = (label: string, blocks: readonly string[]) => [label.padEnd(first), ...blocks].join("   ").trimEnd();
  const widthOf = (b: number) => block(b, (_, width) => " ".repeat(width)).length;
  const head = [
    line(
      "",
      backends.map((name, b) => paint("bold", name.padEnd(widthOf(b)))),
    ),
    line(
      "",
      backends.map((_, b) =>
        paint(
          "dim",
          block(b, (c, width) => c.title.padStart(width)),
        ),
      ),
    ),
  ];
  const body = lines.map(({ group, cells }) =>
    line(
      group,
      cells.map((cell, b) => block(b, (c, width) => paint(c.style(cell), c.text(cell).padStart(width)))),
    ),
  );
  return [...head, ...body].join("\n");
}

function failureText({ backend, id, clause, reason, worst }: Result, paint: Paint): string {
  const head = `${paint("red", "FAILED")}  ${backend}  ${paint("bold", id)}  (${clause})`;
  if (!worst) return `${head}\n  ${reason.replaceAll("\n", "\n  ")}`;
  const { what, at, got, expected, error, bound, ratio, note } = worst;
  return [
    head,
    `  ${what}, index (outer, channel, inner) = (${at.outer}, ${at.channel}, ${at.inner})`,
    `  got      ${numberText(got)}`,
    `  expected ${numberText(expected)}`,
    `  error    ${error}`,
    `  allowed  ${bound}  (error / allowed = ${ratioText(ratio)})`,
    ...(note === undefined ? [] : [`  note     ${note}`]),
  ].join("\n");
}

/** What a number depends on beside the code: the adapter, threads, SIMD. */
function detailsText({ backends }: Report): string {
  const lines = backends.map(({ name, supports }) => {
    const details = Object.entries(supports.details).map(([key, value]) => `${key} ${value}`);
    return details.length === 0 ? "" : `${name}: ${details.join("; ")}`;
  });
  return lines.filter((line) => line !== "").join("\n");
}

function skipsText({ backends, results }: Report, paint: Paint): string {
  const skipped = results.filter((r) => r.status === "skipped");
  const lines = backends.flatMap(({ name }) => {
    const reasons = groupBy(
      skipped.filter((r) => r.backend === name),
      (r) => r.reason,
    );
    return [...reasons].map(([reason, some]) => `${name}: ${paint("yellow", `${some.length} skipped`)}: ${reason}`);
  });
  return lines.join("\n");
}

function totalText({ results }: Report, paint: Paint): string {
  const { passed, failed, skipped } = summarize(results);
  return `${passed} passed, ${paint(failed ? "red" : "dim", `${failed} failed`)}, ${skipped} skipped`;
}
