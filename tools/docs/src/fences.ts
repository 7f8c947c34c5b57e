import { blocksOf } from "./blocks.ts";
import type { Page } from "./pages.ts";

/** A ```ts or ```js block: a complete module, which is type-checked and executed. */
export interface Fence {
  /** The page and the line of its first line of code, e.g. `docs/spec.md:12`. */
  readonly where: string;
  readonly page: string;
  readonly line: number;
  /**
   * The name `mine.ts` in "```ts file=mine.ts". Other fences of the page import it by that name, and the page's
   * commands find it. A fence whose name ends in .test.ts, or that has no name and imports vitest, is run by vitest.
   */
  readonly file: string;
  readonly code: string;
}

/** The fences of a page, or of the docstrings of a source file, where only those under @example count. */
export function fencesOf(page: Page): Fence[] {
  const isSource = page.path.endsWith(".ts");
  return blocksOf(page).flatMap(({ page: path, line, info, lines, before }) => {
    const [, language, file] = /^(ts|js)(?: file=(\S+))?$/.exec(info) ?? [];
    if (language === undefined || (isSource && before.trim() !== "@example")) return [];
    const code = lines.map((one) => `${one}\n`).join("");
    const own = `line-${line}${/from "(@bn\/conformance\/)?vitest"/.test(code) ? ".test" : ""}.${language}`;
    return [{ where: `${path}:${line}`, page: path, line, file: file ?? own, code }];
  });
}

/**
 * The output of each console.log of a fence, from the comment after it or, without one, in the lines below. It is null
 * if the comment begins with "e.g.", because the output varies. Throws if a console.log has no comment.
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

/** Whether the text is the same except for white space, and numbers are equal to the digits that the page shows. */
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
