import katex from "katex";
import { describe, expect, it } from "vitest";
import { blocksOf } from "../src/blocks.ts";
import { pages } from "../src/pages.ts";

/** How the blocks of each language are executed. */
const EXECUTED: Readonly<Record<string, string>> = {
  ts: "fences.test.ts",
  js: "fences.test.ts",
  sh: "the release rehearsal, tools/rehearse/src/consumers/commands.ts",
  console: "the release rehearsal, which also compares what is printed",
  math: "below",
};

const blocks = pages().flatMap(blocksOf);

it("every block of every page is in a language that something executes", () => {
  const others = blocks.filter(({ info }) => !((info.split(" ")[0] ?? "") in EXECUTED));
  expect(others.map(({ page, line, info }) => `${page}:${line} ${info || "no language"}`)).toEqual([]);
  expect(new Set(blocks.map(({ info }) => info.split(" ")[0]))).toEqual(new Set(Object.keys(EXECUTED)));
});

describe("mathematics can be typeset", () => {
  /** Text between $ and $ without white space on the inside, as GitHub requires. */
  const INLINE = /(?<![\w\\$])\$(?!\s)((?:[^$\\`\n]|\\.|\n(?!\n))+?)(?<!\s)\$(?![\w$])/g;
  const formulas = pages().map((page) => {
    const inFences = blocksOf(page).filter(({ info }) => info === "math");
    const prose = page.text.replace(/^ *```[\s\S]*?^ *```$/gm, "").replace(/`[^`\n]*`/g, "");
    const inline = [...prose.matchAll(INLINE)].map(([, tex = ""]) => ({ tex, displayMode: false }));
    return {
      path: page.path,
      all: [...inFences.map(({ lines }) => ({ tex: lines.join("\n"), displayMode: true })), ...inline],
      dollars: prose.split("$").length - 1,
    };
  });
  const some = formulas.filter(({ dollars, all }) => dollars + all.length > 0);

  it("finds it", () => {
    const derivation = some.find(({ path }) => path === "docs/batch-norm.md");
    expect(derivation?.all.length).toBeGreaterThan(150);
    expect(derivation?.all.filter(({ displayMode }) => displayMode).length).toBeGreaterThan(10);
  });

  it.each(some)("$path", ({ all, dollars }) => {
    expect(2 * all.filter(({ displayMode }) => !displayMode).length, "every $ opens or closes a formula").toBe(dollars);
    for (const { tex, displayMode } of all) {
      expect(() => katex.renderToString(tex, { displayMode, throwOnError: true, strict: "error" }), tex).not.toThrow();
    }
  });

  it("notices what cannot be", () => {
    expect(() => katex.renderToString("\\frac{1", { throwOnError: true })).toThrow("KaTeX parse error");
  });
});
