import { writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Case, cases, createDiagnoser, type Result, runCase } from "@bn/conformance";
import { causesOf, type Report, textReport } from "@bn/conformance/report";
import type { Backend } from "@bn/core";
import { beforeAll, expect, it } from "vitest";
import { fencesOf } from "../src/fences.ts";
import { read } from "../src/pages.ts";
import { node, SCRATCH } from "../src/run.ts";

const [page] = read("docs/adding-a-backend.md");
const mine = fencesOf(page!).find(({ file }) => file === "mine.ts")?.code ?? "";

/** A mistake in the recipe of docs/adding-a-backend.md, and its description in the report. */
const PLANTED: readonly (readonly [name: string, from: string, to: string, kernel: string, key: string])[] = [
  [
    "eps outside the root",
    "Math.sqrt(stats.variance.view[c]! + eps)",
    "(Math.sqrt(stats.variance.view[c]!) + eps)",
    "normalize",
    "eps-outside-root",
  ],
  [
    "the unbiased variance",
    "(drift * drift) / m) / m;",
    "(drift * drift) / m) / (m - 1);",
    "moments",
    "unbiased-variance",
  ],
  [
    "the standard deviation",
    "= (squares - (drift * drift) / m) / m;",
    "= Math.sqrt(squares / m);",
    "moments",
    "std-for-variance",
  ],
  ["sums not divided by m", "- shift) / m;", "- shift);", "moments", "moments/"],
  [
    "outer forgotten",
    "(row * channels + c) * inner + (i - row * inner)",
    "c * inner + i",
    "moments",
    "outer-forgotten",
  ],
  [
    "channels last",
    "(row * channels + c) * inner + (i - row * inner)",
    "i * channels + c",
    "normalize",
    "channels-last",
  ],
  [
    "a gradient overwritten",
    "grad.gamma.view[c]! += sumDyXhat",
    "grad.gamma.view[c] = sumDyXhat",
    "gradSums",
    "grad-overwritten",
  ],
  ["sums added into", "sums.dy.view[c] = sumDy;", "sums.dy.view[c]! += sumDy;", "gradSums", "output-added-into"],
  ["gamma left out of dx", "r * b) * scale :", "r * b) * r :", "gradNormalize", "gamma"],
  ["beta ignored", "* scale + beta;", "* scale;", "normalize", "beta-ignored"],
  [
    "an average for a decayed sum",
    "* fraction + stats.mean.view[c]!;",
    "* fraction + stats.mean.view[c]! * (1 - fraction);",
    "movingAverage",
    "average-complement-mean",
  ],
  [
    "no correction",
    "stats.variance.view[c]! * correction;",
    "stats.variance.view[c]!;",
    "movingAverage",
    "no-correction",
  ],
  ["division by a factor of 0", "factor === 0 ? 0 : 1 / factor", "1 / factor", "globalStats", "divides-by-zero"],
  [
    "the last row ignored",
    "for (let i = 0; i < g.outer * g.inner; i++) {\n        const k = at(g, c, i);\n        y.view[k] = (x",
    "for (let i = 0; i < (g.outer > 1 ? g.outer - 1 : 1) * g.inner; i++) {\n        const k = at(g, c, i);\n        y.view[k] = (x",
    "normalize",
    "rows-ignored",
  ],
  [
    "a write behind the end",
    "y.view.fill(value, 0, length);",
    "y.view.fill(value);",
    "copy-fill",
    "fill/out-of-bounds",
  ],
  [
    "an exception",
    "const { mean, r, scale } = channel(stats, eps, affine, c);",
    "const { mean, r, scale } = channel(stats, eps, affine!.missing, c);",
    "gradNormalize",
    "gradNormalize/throws",
  ],
];

const chosen = (kernel: string): Case[] =>
  cases({ tier: "quick" }).filter(({ id }) => new RegExp(`^kernels/${kernel}/(2x3x5|5x2x3|8x3x49)/`).test(id));

async function judge(name: string, code: string, kernel: string) {
  const file = `${name.replaceAll(/\W+/g, "-")}-planted.ts`;
  writeFileSync(join(SCRATCH, file), code);
  const { default: create }: { default: () => Promise<Backend> } = await import(/* @vite-ignore */ join(SCRATCH, file));
  const backend = await create();
  const diagnoser = createDiagnoser(backend, create);
  const results: Result[] = [];
  for (const one of chosen(kernel)) {
    const result = await runCase("mine", backend, create, one);
    results.push(result.status === "failed" ? { ...result, cause: await diagnoser.diagnose(one, result) } : result);
  }
  const importing = `import create from "./${file}";`;
  const report: Report = {
    backends: [{ name: "mine", supports: backend.supports, spec: `./${file}`, importing }],
    results,
  };
  return { report, causes: causesOf(report), text: textReport(report) };
}

beforeAll(() => mkdir(SCRATCH, { recursive: true }));

it.each(PLANTED)("%s: one screen that names it, and how to repeat it", async (name, from, to, kernel, key) => {
  expect(mine.split(from), `"${from}" stands once in mine.ts`).toHaveLength(2);
  const { causes, text } = await judge(
    name,
    mine.replace(from, () => to),
    kernel,
  );
  const keys = causes.map((cause) => cause.key);
  expect(
    keys.some((one) => one.includes(key)),
    `${keys.join(", ")}\n${text}`,
  ).toBe(true);
  const screens = text.split("\n\n").filter((block) => block.startsWith("FAILED"));
  expect(screens).toHaveLength(causes.length);
  for (const screen of screens) {
    const lines = screen.split("\n");
    expect(lines.length, screen).toBeLessThanOrEqual(24);
    expect(screen).toMatch(/^ {2}repeat {3}bn conformance --backend \.\/\S+ --filter \S+$/m);
  }
});

it("is right as it stands: nothing to tell", async () => {
  const { causes } = await judge(
    "right",
    mine,
    "(normalize|moments|gradSums|gradNormalize|scale|movingAverage|globalStats)",
  );
  expect(causes).toEqual([]);
});

it("the program of a failure shows it without the suite", async () => {
  const [name, from, to, kernel] = PLANTED[0]!;
  const { causes } = await judge(
    "program",
    mine.replace(from, () => to),
    kernel,
  );
  const snippet = causes[0]?.snippet ?? "";
  expect(snippet, name).toContain("backend.kernels.normalize(");
  writeFileSync(join(SCRATCH, "repeat.ts"), snippet.replace("(...values)", "(...values: number[])"));
  const { code, stdout, stderr } = await node(["repeat.ts"], SCRATCH);
  expect(code, stderr).toBe(0);
  const expected = Number(/\/\/ expected (\S+)/.exec(snippet)?.[1]);
  const got = Number(/\[\s*(\S+)\s*\]/.exec(stdout)?.[1]);
  expect(Math.abs(got - expected) / Math.abs(expected)).toBeGreaterThan(2 ** -24);
});
