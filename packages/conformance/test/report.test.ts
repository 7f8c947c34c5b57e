import type { Supports } from "@bn/core";
import { expect, test } from "vitest";
import type { Result } from "../src/case.ts";
import { htmlReport, jsonReport, type Report, summarize, textReport } from "../src/report/index.ts";
import { ratioText } from "../src/report/table.ts";

const supports: Supports = {
  dtypes: ["float32"],
  hostVisible: true,
  nonFinite: false,
  subnormals: true,
  correctlyRounded: true,
  deterministic: true,
  threads: 3,
  details: { adapter: `"<Vulkan>" & 'co'` },
};

function result(part: Partial<Result>): Result {
  const base = { backend: "one", id: "a", group: "layers", clause: "BN-5", error: null, bound: null, ratio: null };
  return { ...base, status: "passed", reason: "", ...part };
}

const worst = {
  what: "step 1 top",
  error: 0.5,
  bound: 0.25,
  ratio: 2,
  at: { outer: 3, channel: 1, inner: 7 },
  got: Number.NaN,
  expected: -1.25,
  note: "why so",
};

const report: Report = {
  backends: [
    { name: "one", supports },
    { name: "two", supports },
  ],
  results: [
    result({ id: "layers/a", error: 0.1, bound: 0.2, ratio: 0.5 }),
    result({ id: "layers/b", error: 0.5, bound: 0.25, ratio: 2, status: "failed", reason: "top is off", worst }),
    result({ id: "errors/<b>&", group: "errors", status: "failed", reason: `threw "x" <script>alert(1)</script>` }),
    result({ id: "layers/a", backend: "two", status: "skipped", reason: "supports.nonFinite is false" }),
    result({ id: "layers/b", backend: "two", status: "skipped", reason: "supports.nonFinite is false" }),
    result({
      id: "errors/<b>&",
      backend: "two",
      group: "errors",
      ratio: Number.POSITIVE_INFINITY,
      status: "failed",
      reason: "top is off",
    }),
  ],
};

test("text: the table counts by group and backend and gives the worst ratio", () => {
  const lines = textReport(report).split("\n");
  const cells = (label: string) =>
    lines
      .find((line) => line.startsWith(label))
      ?.trim()
      .split(/\s+/)
      .slice(1);
  expect(cells("layers")).toEqual(["1", "1", "-", "2.00", "-", "-", "2", "-"]);
  expect(cells("errors")).toEqual(["-", "1", "-", "-", "-", "1", "-", "inf"]);
  expect(cells("total")).toEqual(["1", "2", "-", "2.00", "-", "1", "2", "inf"]);
});

test("text: columns line up under their titles", () => {
  const lines = textReport(report).split("\n").slice(1, 5);
  const ends = (line: string) => [...line.matchAll(/\S+(?= |$)/g)].map((m) => m.index + m[0].length);
  const titles = ends(lines[0] as string);
  for (const line of lines.slice(1)) expect(ends(line).slice(1)).toEqual(titles);
});

test("text: a failure tells where, got, expected, error, allowed; one that threw tells what", () => {
  const text = textReport(report);
  expect(text).toContain(
    "FAILED  one  BN-5 does not hold: top is off (BN-5)\n  1 case, the smallest layers/b\n  BN-5: Batch statistics",
  );
  expect(text).toContain("step 1 top, index (outer, channel, inner) = (3, 1, 7)");
  for (const line of [
    "got      NaN",
    "expected -1.25",
    "error    0.5, allowed 0.25: 2.00 of its bound",
    "note     why so",
  ]) {
    expect(text).toContain(line);
  }
  expect(text).toContain(`threw "x"`);
  expect(text).toContain("two: 2 skipped: supports.nonFinite is false");
  expect(text).toContain("1 passed, 3 failed, 2 skipped\n");
});

test("text: colours only where asked, and they change no column", () => {
  const esc = String.fromCharCode(27);
  const plain = textReport(report);
  const coloured = textReport(report, { color: true });
  expect(plain).not.toContain(esc);
  expect(coloured).toContain(esc);
  expect(coloured.replaceAll(new RegExp(`${esc}\\[\\d+m`, "g"), "").replaceAll(/ +$/gm, "")).toBe(plain);
});

test("json: the documented keys, and numbers that JSON lacks as null with the worst value in words", () => {
  const { summary, results } = JSON.parse(jsonReport(report));
  expect(summary).toEqual({ passed: 1, failed: 3, skipped: 2, notRun: 0 });
  expect(results).toHaveLength(6);
  for (const one of results) {
    expect(Object.keys(one).filter((key) => key !== "group" && key !== "worst")).toEqual([
      "backend",
      "id",
      "clause",
      "status",
      "error",
      "bound",
      "ratio",
      "reason",
    ]);
  }
  expect(results[5].ratio).toBeNull();
  expect(results[1].worst).toEqual({
    what: "step 1 top",
    index: { outer: 3, channel: 1, inner: 7 },
    got: "NaN",
    expected: -1.25,
    note: "why so",
  });
});

test("html: one file that loads nothing, everything in it escaped", () => {
  const page = htmlReport(report);
  expect(page).not.toMatch(/<script>alert|<b>&|<Vulkan>/);
  expect(page).toContain("errors/&lt;b&gt;&amp;");
  expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  expect(page).toContain("&quot;&lt;Vulkan&gt;&quot; &amp; &#39;co&#39;");
  expect(page).not.toMatch(/\b(src|href|@import|url\()/);
  expect(page).toContain("(3, 1, 7)");
  const [, data = ""] = /<script type="application\/json" id="results">(.*?)<\/script>/.exec(page) ?? [];
  expect(JSON.parse(data)).toHaveLength(6);
  expect(page).not.toMatch(/NaN"|undefined/);
});

test("html: a point for each comparison, what failed right of the bound, infinite ones within the strip", () => {
  const page = htmlReport(report);
  const places = [...page.matchAll(/<circle class="s\d( over)?" cx="([\d.]+)%"/g)].map((m) => [
    m[1] ?? "",
    Number(m[2]),
  ]);
  const bound = Number(/<line class="bound" x1="([\d.]+)%"/.exec(page)?.[1]);
  expect(places).toHaveLength(3);
  for (const [over, place] of places) {
    expect((place as number) > bound).toBe(over === " over");
    expect(place).toBeLessThanOrEqual(100);
  }
});

test("html: failures stand before everything else, and a page of many results is bounded", () => {
  const page = htmlReport(report);
  expect(page.indexOf("Why it failed")).toBeLessThan(page.indexOf("By group"));
  const many = Array.from({ length: 5000 }, (_, i) =>
    result({ id: `layers/${i}`, ratio: i / 2500, status: i > 2500 ? "failed" : "passed", reason: `off by ${i}` }),
  );
  const long = htmlReport({ ...report, results: many });
  expect(long.match(/<circle/g)?.length).toBeLessThan(500);
  expect(long.match(/<(tr|li|details)\b/g)?.length).toBeLessThan(100);
});

test("an empty report is still one", () => {
  const empty: Report = { backends: [], results: [] };
  expect(summarize([])).toEqual({ passed: 0, failed: 0, skipped: 0, notRun: 0 });
  expect(JSON.parse(jsonReport(empty)).results).toEqual([]);
  expect(htmlReport(empty)).toContain("</html>");
  expect(textReport(empty)).toContain("0 passed");
});

test.each([
  [null, "-"],
  [0, "0"],
  [3.4e-5, "3e-5"],
  [0.0042, "0.004"],
  [0.29, "0.29"],
  [0.9999, "1-1e-4"],
  [0.9999998, "1-2e-7"],
  [1, "1"],
  [1.0000001, "1+1e-7"],
  [1.02, "1.02"],
  [12.34, "12.3"],
  [999.9, "1e+3"],
  [2e6, "2e+6"],
  [Number.POSITIVE_INFINITY, "inf"],
])("ratioText(%s) is %s: it never rounds over the bound", (ratio, text) => {
  expect(ratioText(ratio)).toBe(text);
});
