import { type Block, blocksOf } from "./blocks.ts";
import type { Page } from "./pages.ts";

/** A command on a page. */
export interface Command {
  /** The page and the line, e.g. `README.md:12`. */
  readonly where: string;
  readonly text: string;
  /** The standard output that the page shows; null if it shows none. */
  readonly prints: string | null;
}

/**
 * The commands of a page in order: one per line in a ```sh block, and one per line after "$ " in a ```console block.
 */
export function commandsOf(page: Page): Command[] {
  return blocksOf(page).flatMap((block) =>
    block.info === "sh" ? script(block) : block.info === "console" ? session(block) : [],
  );
}

function script({ page, line, lines }: Block): Command[] {
  const commands: Command[] = [];
  for (let at = 0; at < lines.length; at++) {
    const where = `${page}:${line + at}`;
    let text = lines[at] ?? "";
    while (text.endsWith("\\")) text = `${text}\n${lines[++at] ?? ""}`;
    text = text.replace(/(^|\s+)#\s.*$/, "");
    if (text.trim() !== "") commands.push({ where, text, prints: null });
  }
  return commands;
}

function session({ page, line, lines }: Block): Command[] {
  const starts = lines.flatMap((text, at) => (text.startsWith("$ ") ? [at] : []));
  if (starts[0] !== 0) throw new Error(`${page}:${line}: a console block begins with "$ " and a command`);
  return starts.map((at, i) => {
    let end = at;
    while ((lines[end] ?? "").endsWith("\\")) end++;
    const text = lines
      .slice(at, end + 1)
      .join("\n")
      .slice(2);
    const output = lines.slice(end + 1, starts[i + 1]);
    return { where: `${page}:${line + at}`, text, prints: output.length === 0 ? null : output.join("\n") };
  });
}

/** A measured number: it has a decimal point or an exponent, or is an upper limit. */
const MEASURED = /<\d+(?:\.\d+)?|-?\d+(?:\.\d+(?:e[+-]?\d+)?|e[+-]?\d+)/;

/** A measured value of JSON, which has 16 for 16.0. */
const JSON_NUMBER = /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/;

/**
 * Whether a command printed the output that a page shows: the same lines except for blank ones, where a line "..."
 * stands for any number of lines. White space may differ, and so may measured numbers, which each machine measures anew.
 */
export function sameOutput(printed: string, shown: string): boolean {
  const got = linesOf(printed);
  const [first = [], ...rest] = partsBetweenDots(linesOf(shown));
  const last = rest.pop();
  if (!isAt(got, first, 0)) return false;
  let at = first.length;
  if (last === undefined) return got.length === at;
  for (const part of rest) {
    while (at <= got.length && !isAt(got, part, at)) at++;
    at += part.length;
  }
  const end = got.length - last.length;
  return at <= end && isAt(got, last, end);
}

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.replace(/\s+/g, " ").trim())
    .filter((line) => line !== "");
}

function partsBetweenDots(lines: readonly string[]): RegExp[][] {
  const parts: RegExp[][] = [[]];
  for (const line of lines) {
    if (line === "...") parts.push([]);
    else parts.at(-1)?.push(patternOf(line));
  }
  return parts;
}

function patternOf(line: string): RegExp {
  const between = line.split(MEASURED);
  const last = between.pop() ?? "";
  const numbered = between.map((text) => {
    const number = text.endsWith('":') ? JSON_NUMBER : MEASURED;
    return `${escaped(text)}(?:${number.source})`;
  });
  return new RegExp(`^${numbered.join("")}${escaped(last)}$`);
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

const isAt = (lines: readonly string[], part: readonly RegExp[], at: number) =>
  part.every((one, i) => one.test(lines[at + i] ?? ""));
