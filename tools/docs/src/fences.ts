import type { Page } from "./pages.ts";

/** A ```ts block: a complete module, type-checked and executed. */
export interface Fence {
  /** Page and line of its first line of code, as `docs/spec.md:12`. */
  readonly where: string;
  readonly page: string;
  readonly line: number;
  /**
   * `mine.ts` of "```ts file=mine.ts": other fences of the page import it by that name. One that ends in .test.ts, or
   * that has no name and imports vitest, is run by vitest.
   */
  readonly file: string;
  readonly code: string;
}

/** Fences of a page, or of the docstrings of a source file, where only those under @example count. */
export function fencesOf({ path, text }: Page): Fence[] {
  const fences: Fence[] = [];
  const isSource = path.endsWith(".ts");
  const lines = text.split("\n").map((line) => (isSource ? docstringLine(line) : line));
  for (let at = 0; at < lines.length; at++) {
    const open = /^(\s*)```ts\b(?:\s+file=(\S+))?\s*$/.exec(lines[at] ?? "");
    if (!open || (isSource && lines[at - 1]?.trim() !== "@example")) continue;
    const [, indent = "", file] = open;
    const end = lines.indexOf(`${indent}\`\`\``, at);
    if (end < 0) throw new Error(`${path}:${at + 1}: the fence has no end`);
    const line = at + 2;
    const code = lines.slice(at + 1, end).map((one) => `${one.replace(indent, "")}\n`);
    const own = /from "(@bn\/conformance\/)?vitest"/.test(code.join("")) ? `line-${line}.test.ts` : `line-${line}.ts`;
    fences.push({ where: `${path}:${line}`, page: path, line, file: file ?? own, code: code.join("") });
    at = end;
  }
  return fences;
}

/** A line of a docstring without its star; other lines of a source hold no fence. */
function docstringLine(line: string): string {
  return /^\s*\* ?(.*)$/.exec(line)?.[1] ?? "";
}

/**
 * What each console.log of a fence prints, from the comment behind it or, without one, in the lines below; null where the comment
 * begins with "e.g." because the output varies. Throws where a console.log has no comment.
 */
export function expectedOutput({ code, where }: Fence): (string | null)[] {
  const lines = code.split("\n");
  const expected: (string | null)[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (!/^\s*console\.log\(/.test(lines[at] ?? "")) continue;
    while (at < lines.length && !/\);(\s*\/\/.*)?$/.test(lines[at] ?? "")) at++;
    const behind = /\);\s*\/\/ ?(.*)$/.exec(lines[at] ?? "")?.[1];
    const below: string[] = [];
    while (behind === undefined && /^\s*\/\//.test(lines[at + 1] ?? "")) {
      below.push((lines[++at] ?? "").replace(/^\s*\/\/ ?/, ""));
    }
    const text = behind ?? below.join("\n");
    if (text === "") throw new Error(`${where}: a console.log without the comment that says what it prints`);
    expected.push(text.startsWith("e.g.") ? null : text);
  }
  return expected;
}

const NUMBER = /(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g;

/** Same text, white space aside, and numbers equal to the digits that the page shows. */
export function samePrint(printed: string, expected: string): boolean {
  const skeleton = (text: string) => text.replace(NUMBER, "#").replace(/\s+/g, " ").trim();
  if (skeleton(printed) !== skeleton(expected)) return false;
  const got = printed.match(NUMBER) ?? [];
  return (expected.match(NUMBER) ?? []).every((shown, i) => sameNumber(got[i] ?? "", shown));
}

function sameNumber(got: string, shown: string): boolean {
  if (got === shown) return true;
  const [mantissa = "", exponent = "0"] = shown.split("e");
  const digits = mantissa.split(".")[1]?.length ?? 0;
  if (digits === 0 && !shown.includes("e")) return Number(got) === Number(shown);
  const unit = 10 ** (Number(exponent) - digits);
  return Math.abs(Number(got) - Number(shown)) <= unit * 0.500001;
}
