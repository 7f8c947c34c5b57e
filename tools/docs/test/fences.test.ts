import { beforeAll, describe, expect, it } from "vitest";
import { expectedOutput, fencesOf, samePrint } from "../src/fences.ts";
import { CHECKED, pages, read, sources } from "../src/pages.ts";
import { complaintOf, typeErrors, writeFences } from "../src/run.ts";

const fences = [...pages(), ...sources()].flatMap(fencesOf);

it("checks every package that the command line knows (else: add it to the dependencies of tools/docs)", () => {
  const [cli] = read("packages/cli/package.json");
  const { name, dependencies } = JSON.parse(cli?.text ?? "");
  const known = [name, ...Object.keys(dependencies)].filter((one: string) => one.startsWith("@bn/"));
  expect(CHECKED).toEqual(expect.arrayContaining(known));
});

beforeAll(() => writeFences(fences));

it("finds the fences of pages and docstrings", () => {
  const found = new Set(fences.map((fence) => fence.page));
  expect(found).toContain("docs/batch-norm.md");
  expect(found).toContain("docs/adding-a-backend.md");
  expect(found).toContain("packages/core/src/scale.ts");
});

it("type-checks every fence", async () => {
  expect(await typeErrors(fences)).toEqual([]);
});

describe.concurrent("every fence runs and prints what it says", () => {
  it.each(fences.map((fence) => [fence.where, fence] as const))("%s", async (_, fence) => {
    expect(await complaintOf(fence, expectedOutput(fence))).toBeNull();
  });
});

describe("the runner itself", () => {
  const page = (code: string) => ({ path: "docs/x.md", text: `\`\`\`ts\n${code}\n\`\`\`\n` });
  const [fence] = fencesOf(
    page("console.log(\n  1,\n); // 1\nconsole.log(2);\n// 2\n// 3\nconsole.log(3); // e.g. 4\n// more"),
  );

  it("reads the comment behind a console.log, over several lines, and leaves out what varies", () => {
    expect(expectedOutput(fence!)).toEqual(["1", "2\n3", null]);
  });

  it("wants a comment for every console.log", () => {
    expect(() => expectedOutput(fencesOf(page("console.log(1);"))[0]!)).toThrow("docs/x.md:2: a console.log without");
  });

  it.each([
    ["[ 1, 2.5 ]", "[ 1, 2.5 ]", true],
    ["[\n  1,\n  2\n]", "[ 1, 2 ]", true],
    ["-1.0690449476242065", "-1.069", true],
    ["-1.0690449476242065", "-1.068", false],
    ["1.0000001", "1", false],
    ["1.2345e-7", "1.2e-7", true],
    ["1.2345e-7", "1.3e-7", false],
    ["Float32Array(1) [ 1 ]", "Float64Array(1) [ 1 ]", false],
    ["1 2", "1", false],
    ["NaN", "0", false],
  ])("compares %j with %j: %s", (printed, expected, same) => {
    expect(samePrint(printed, expected)).toBe(same);
  });
});
