import { writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import cli from "@bn/cli/package.json" with { type: "json" };
import { type Case, cases, runCases } from "@bn/conformance";
import { beforeAll, describe, expect, it } from "vitest";
import { fencesOf } from "../src/fences.ts";
import { ROOT, read } from "../src/pages.ts";
import { node, SCRATCH } from "../src/run.ts";

const [page] = read("docs/adding-a-backend.md");
const text = page?.text ?? "";
const mine = fencesOf(page!).find(({ file }) => file === "mine.ts")?.code ?? "";
const byId = new Map(cases({ tier: "quick" }).map((one) => [one.id, one]));

/** Rows `| mistake | instead of | somebody wrote | caught by |`, whose last three cells are code. */
const mistakes = [...text.matchAll(/^\| (.+?) \| `(.+?)` \| `(.+?)` \| `(.+?)` \|$/gm)].map(
  ([, name = "", from = "", to = "", id = ""]) => ({ name, from, to, id }),
);

async function fails(code: string, file: string, one: Case): Promise<string> {
  writeFileSync(join(SCRATCH, file), code);
  const { default: create } = await import(/* @vite-ignore */ join(SCRATCH, file));
  const [result] = await runCases(file, create, [one]);
  return result?.status ?? "none";
}

beforeAll(() => mkdir(SCRATCH, { recursive: true }));

describe("the table of usual mistakes", () => {
  it("has rows", () => expect(mistakes.length).toBeGreaterThan(10));

  it.each(mistakes)("$name: $id", async ({ name, from, to, id }) => {
    const one = byId.get(id);
    expect(one, `the suite has a case ${id}`).toBeDefined();
    expect(mine.split(from), `"${from}" stands once in mine.ts`).toHaveLength(2);
    const slug = name.replaceAll(/\W+/g, "-");
    expect(await fails(mine, `${slug}-right.ts`, one!)).toBe("passed");
    expect(
      await fails(
        mine.replace(from, () => to),
        `${slug}-wrong.ts`,
        one!,
      ),
    ).toBe("failed");
  });
});

it.each(["float32", "float64"])(
  "with %s alone it is judged in that, and passes",
  async (dtype) => {
    writeFileSync(join(SCRATCH, "alone.ts"), mine);
    const { default: create } = await import(/* @vite-ignore */ join(SCRATCH, "alone.ts"));
    const results = await runCases(dtype, () => create([dtype]), cases({ tier: "quick" }));
    const reasons = new Set(results.filter(({ status }) => status !== "passed").map(({ reason }) => reason));
    const other = dtype === "float32" ? "float64" : "float32";
    // The recipe leaves out everything that is optional.
    const optional = /^kernels\.|^supports\.fullRange/;
    expect([...reasons].filter((reason) => !optional.test(reason))).toEqual([`supports.dtypes lacks ${other}`]);
    expect(results.filter(({ status }) => status === "passed").length).toBeGreaterThan(500);
  },
  300_000,
);

it("passes `bn conformance --quick --backend ./mine.ts`, golden data included", async () => {
  writeFileSync(join(SCRATCH, "mine.ts"), mine);
  const { code, stdout, stderr } = await node(
    [join(ROOT, "packages/cli", cli.bin.bn), "conformance", "--quick", "--backend", "./mine.ts"],
    SCRATCH,
  );
  expect(code, stdout + stderr).toBe(0);
}, 300_000);
