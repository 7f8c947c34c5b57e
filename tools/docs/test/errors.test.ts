import { describe, expect, it } from "vitest";
import { read } from "../src/pages.ts";

const [source] = read("packages/core/src/errors.ts");
const [index] = read("docs/errors.md");
const pages = read("docs/errors/*.md");

/** The members of the union, without the text of the docstring above it. */
const union = /export type BnErrorCode =([^;]*);/.exec(source?.text ?? "")?.[1] ?? "";
const codes = [...union.matchAll(/"(ERR_BN_\w+)"/g)].map(([, code = ""]) => code);

it("docs/errors has a page for each code, and no other", () => {
  expect(codes.length).toBeGreaterThan(5);
  expect(pages.map(({ path }) => path)).toEqual(codes.map((code) => `docs/errors/${code}.md`).sort());
});

describe.each(pages)("$path", ({ path, text }) => {
  it("has its code as its title, a cause, a cure, and a program that shows both", () => {
    expect(`docs/errors/${/^# (\S+)$/m.exec(text)?.[1]}.md`).toBe(path);
    expect(text).toMatch(/^_Cause\._ \S/m);
    expect(text).toMatch(/^_Cure\._ \S/m);
    expect(text).toMatch(/^```ts$/m);
  });
});

it("docs/errors.md lists each code, with a link to its page", () => {
  const rows = [...(index?.text ?? "").matchAll(/^\| \[(ERR_BN_\w+)\]\(errors\/(\w+)\.md\) \| \S/gm)];
  expect(rows.map(([, code]) => code)).toEqual(codes);
  expect(rows.map(([, , page]) => page)).toEqual(codes);
});

it("errors.ts documents each code in its docstring", () => {
  const rows = [...(source?.text ?? "").matchAll(/^ \* \| `(ERR_BN_\w+)` \| \S/gm)].map(([, code]) => code);
  expect(rows).toEqual(codes);
});
