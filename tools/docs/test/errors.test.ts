import { describe, expect, it } from "vitest";
import { read } from "../src/pages.ts";

const [source] = read("packages/core/src/errors.ts");
const [page] = read("docs/errors.md");

/** The members of the union, not what the docstring above it says. */
const union = /export type BnErrorCode =([^;]*);/.exec(source?.text ?? "")?.[1] ?? "";
const codes = [...union.matchAll(/"(ERR_BN_\w+)"/g)].map(([, code = ""]) => code);
const sections = (page?.text ?? "").split(/^## /m).slice(1);

describe("docs/errors.md", () => {
  it("has a section for each code, in the order of errors.ts, and no other", () => {
    expect(codes.length).toBeGreaterThan(5);
    expect(sections.map((text) => text.split("\n")[0])).toEqual(codes);
  });

  it.each(sections.map((text) => [text.split("\n")[0], text]))("%s has a cause and a cure", (_, text) => {
    expect(text).toMatch(/^_Cause\._ \S/m);
    expect(text).toMatch(/^_Cure\._ \S/m);
  });

  it("lists each code in its table, with a link", () => {
    const rows = [...(page?.text ?? "").matchAll(/^\| \[(ERR_BN_\w+)\]\(#(\w+)\) \| \S/gm)];
    expect(rows.map(([, code]) => code)).toEqual(codes);
    expect(rows.map(([, , anchor]) => anchor)).toEqual(codes.map((code) => code.toLowerCase()));
  });

  it("documents each code in the docstring of errors.ts", () => {
    const rows = [...(source?.text ?? "").matchAll(/^ \* \| `(ERR_BN_\w+)` \| \S/gm)].map(([, code]) => code);
    expect(rows).toEqual(codes);
  });
});
