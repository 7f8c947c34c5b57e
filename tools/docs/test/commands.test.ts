import { describe, expect, it } from "vitest";
import { commandsOf, sameOutput } from "../src/commands.ts";

const page = (text: string) => ({ path: "docs/x.md", text });

describe("commandsOf", () => {
  it("takes each line of an sh block, continued lines as one, without comments and blank lines", () => {
    const text = "# x\n\n```sh\nnpm install a # why\n\n# later\nnpx a \\\n  --b\n```\n\n```ts\nlet a = 1;\n```\n";
    expect(commandsOf(page(text))).toEqual([
      { where: "docs/x.md:4", text: "npm install a", prints: null },
      { where: "docs/x.md:7", text: "npx a \\\n  --b", prints: null },
    ]);
  });

  it("takes what follows a $ in a console block, with what it prints", () => {
    const text = "```console\n$ echo a \\\n  b\na b\n\nc\n$ true\n```\n";
    expect(commandsOf(page(text))).toEqual([
      { where: "docs/x.md:2", text: "echo a \\\n  b", prints: "a b\n\nc" },
      { where: "docs/x.md:7", text: "true", prints: null },
    ]);
  });

  it("refuses a console block that begins with output", () => {
    expect(() => commandsOf(page("```console\na\n$ true\n```\n"))).toThrow(
      'docs/x.md:2: a console block begins with "$ "',
    );
  });
});

describe("sameOutput", () => {
  it.each([
    ["a\nb\n", "a\nb", true],
    ["a\n\nb\n", "a\nb", true],
    ["a   b\n", "a b", true],
    ["a\nb\nc\n", "a\nb", false],
    ["a\nb\n", "a\nb\nc", false],
    ["a\nb\n", "b", false],
    ["x 0.91\n", "x 0.48", true],
    ["x <1\n", "x 0.98", true],
    ["x 1.2e-7\n", "x 0.98", true],
    ["x 5e-7\n", "x 0.98", true],
    ["x 2x3e\n", "x 2x4e", false],
    ["x 3828\n", "x 3827", false],
    ["x 3828\n", "x 38.28", false],
    ["x 38.28\n", "x 3828", false],
    ['"ms":16,"n":3\n', '"ms":4.1,"n":3', true],
    ['"ms":16,"n":4\n', '"ms":4.1,"n":3', false],
    ['"ms":1.6,"n":3\n', '"ms":4,"n":3', false],
    ["x 0.1.0 y\n", "x 0.1.0 y", true],
    ["x some\n", "x 4.1", false],
    ["a+b (c)\n", "a+b (c)", true],
    ["aab c\n", "a+b (c)", false],
    ["a\nx\ny\nb\n", "a\n...\nb", true],
    ["a\nb\n", "a\n...\nb", true],
    ["a\nx\ny\nb\n", "a\n...\nx", false],
    ["a\nx\ny\nb\n", "...\nx\n...", true],
    ["a\nx\ny\nb\n", "...\ny\n...\nx\n...", false],
    ["a\nx\nb\n", "a\n...\nx\n...\nx\nb", false],
    ["a\n", "...", true],
    ["a\n", "a\n...\na", false],
  ])("%j shown as %j: %s", (printed, shown, same) => {
    expect(sameOutput(printed, shown)).toBe(same);
  });
});
