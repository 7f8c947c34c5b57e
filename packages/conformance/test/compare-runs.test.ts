import { expect, test } from "vitest";
import type { Result } from "../src/case.ts";
import {
  diffReports,
  diffText,
  digestOf,
  githubAnnotations,
  type JsonReport,
  jsonReport,
  junitReport,
  mergeReports,
  pairOf,
  parseReport,
  type Report,
  type RunRecord,
  renameBackends,
  withBaseline,
} from "../src/report/index.ts";

const supports = {
  dtypes: ["float32"],
  hostVisible: true,
  nonFinite: true,
  subnormals: true,
  correctlyRounded: true,
  deterministic: true,
  threads: 1,
  details: {},
} as const;

const run: RunRecord = {
  date: "2026-01-01T00:00:00.000Z",
  seconds: 1,
  suite: "1.0.0",
  packages: { "@bn/core": "1.0.0" },
  contract: 2,
  seed: "1",
  tier: "quick",
  runtime: "Node.js 24.0.0",
  os: "Linux",
  cpu: "one",
  flags: [],
  repeat: [],
  shard: null,
  ended: null,
  notStarted: [],
};

function result(id: string, status: Result["status"] = "passed", ratio: number | null = 0.1): Result {
  const reason = status === "passed" ? "" : `why ${id}`;
  return { backend: "one", id, group: "kernels", clause: "K-1", error: ratio, bound: 1, ratio, status, reason };
}

function read(results: readonly Result[], part: Partial<RunRecord> = {}): JsonReport {
  const report: Report = { run: { ...run, ...part }, backends: [{ name: "one", supports, spec: "./one.js" }], results };
  return parseReport("report.json", jsonReport(report));
}

test("diff: every kind of change, and the worst factor first", () => {
  const old = read([
    result("breaks"),
    result("mends", "failed", 3),
    result("stays-bad", "failed", 3),
    result("skips"),
    result("goes"),
    result("grows", "passed", 0.1),
    result("grows-more", "passed", 0.1),
    result("shrinks", "passed", 0.8),
    result("same"),
    result("ends"),
  ]);
  const now = read(
    [
      result("breaks", "failed", 2),
      result("mends"),
      result("stays-bad", "failed", 3),
      result("skips", "skipped", null),
      result("comes-bad", "failed", 2),
      result("comes"),
      result("grows", "passed", 0.3),
      result("grows-more", "passed", 0.9),
      result("shrinks", "passed", 0.1),
      result("same", "passed", 0.11),
      result("ends", "notRun", null),
    ],
    { runtime: "Firefox 153" },
  );
  const diff = diffReports(old, now);
  const ids = (all: readonly { readonly now: { readonly id: string } }[]) => all.map((one) => one.now.id);
  expect(ids(diff.newlyFailed)).toEqual(["breaks", "comes-bad", "ends"]);
  expect(ids(diff.fixed)).toEqual(["mends"]);
  expect(ids(diff.newlySkipped)).toEqual(["skips"]);
  expect(diff.missing.map(({ id }) => id)).toEqual(["goes"]);
  expect(diff.added.map(({ id }) => id)).toEqual(["comes"]);
  expect(ids(diff.grown)).toEqual(["grows-more", "grows"]);
  expect(ids(diff.shrunk)).toEqual(["shrinks"]);
  expect(diff.unchanged).toBe(2);
  expect(diff.run).toEqual(["runtime: Node.js 24.0.0 -> Firefox 153"]);
  const text = diffText(diff);
  expect(text).toContain("newly failed\n  one  breaks  passed -> failed: why breaks");
  expect(text).toContain("0.10 -> 0.90 of its bound (9.0 times)");
  expect(text).toContain(
    "3 newly failed, 1 fixed, 1 newly skipped, 1 missing, 1 new, 2 with more error, 1 with less, 2 as before",
  );
});

test("diff: failures of one cause are one entry, and what is no longer off says so", () => {
  const cause = (key: string, text: string) => ({
    ...{ backend: "one", key, text, clause: "K-2", count: 9, smallest: "b", call: null, worst: null, snippet: null },
    repeat: "bn conformance --backend one --filter b",
  });
  const old = read([result("a"), result("b"), result("c"), result("d", "passed", 0.1)]);
  const now: JsonReport = {
    ...read([result("a", "failed", 2), result("b", "failed", 2), result("c", "failed", 2), result("d", "passed", 0)]),
    causes: [cause("eps", "normalize: as if eps were lost"), cause("old", "a cause of before")],
  };
  const told = { ...now, results: now.results.map((r) => ("ab".includes(r.id) ? { ...r, cause: "eps" } : r)) };
  const text = diffText(diffReports(old, told));
  expect(text).toContain(
    [
      "newly failed",
      "  one  normalize: as if eps were lost (K-2)",
      "    2 cases, the smallest b",
      "    repeat  bn conformance --backend one --filter b",
      "  one  c  passed -> failed: why c",
    ].join("\n"),
  );
  expect(text).not.toContain("a cause of before");
  expect(text).toContain("0.10 -> 0 of its bound (to none)");
});

test("pairOf: one backend of each, of different names", () => {
  const named = (...names: string[]) => read(names.map((backend) => ({ ...result("a"), backend })));
  expect(pairOf(named("cpu"), named("wasm"))).toBe("cpu=wasm");
  expect(pairOf(named("cpu"), named("cpu"))).toBeNull();
  expect(pairOf(named("cpu", "wasm"), named("wasm"))).toBeNull();
  const [before, after] = renameBackends(named("cpu"), named("wasm"), "cpu=wasm");
  expect(diffReports(before, after).unchanged).toBe(1);
});

test("baseline: known failures are marked, new ones are not, those that pass or are gone are named", () => {
  const baseline = read([result("a", "failed", 2), result("b", "failed", 2), result("c", "failed", 2)]);
  const known = withBaseline([result("a", "failed", 2), result("b"), result("d", "failed", 2)], baseline);
  expect(known.results.map(({ id, known }) => [id, known ?? false])).toEqual([
    ["a", true],
    ["b", false],
    ["d", false],
  ]);
  expect(known.passed).toEqual(["one  b"]);
  expect(known.gone).toEqual(["one  c"]);
});

const ALL = ["a", "b", "c", "d", "e"];
const shard = (index: number, ids: readonly string[], part: Partial<RunRecord> = {}) => ({
  name: `${index}.json`,
  report: read(
    ids.map((id) => result(id)),
    { shard: { index, count: 2, cases: 5, digest: digestOf(ALL) }, ...part },
  ),
});

test("merge: the shards of a run are the run, in its order", () => {
  const merged = mergeReports([shard(2, ["b", "d"]), shard(1, ["a", "c", "e"])]);
  expect(merged.results.map(({ id }) => id)).toEqual(ALL);
  expect(merged.summary.passed).toBe(5);
  expect(merged.run?.shard).toBeNull();
});

test.each([
  ["a shard is missing", [shard(1, ["a", "c", "e"])], "shard 2 of 2 is missing"],
  ["one twice", [shard(1, ["a", "c", "e"]), shard(1, ["a", "c", "e"])], "are both shard 1 of 2"],
  ["a gap", [shard(1, ["a", "c"]), shard(2, ["b", "d"])], "are not all cases of the run"],
  ["another seed", [shard(1, ["a", "c", "e"]), shard(2, ["b", "d"], { seed: "2" })], "the seed differ, 1 and 2"],
  ["another suite", [shard(1, ["a", "c", "e"]), shard(2, ["b", "d"], { suite: "2" })], "the suite differ"],
  ["no shard", [{ name: "whole.json", report: read([]) }], "whole.json is not a shard"],
])("merge refuses: %s", (_, shards, why) => {
  expect(() => mergeReports(shards)).toThrow(why);
});

test.each([
  ["{", "it is not JSON"],
  ["[]", "it has no list `results`"],
  [`{"results":[{"backend":"a","id":"b","status":"good"}]}`, 'results[0].status is "good"'],
  [`{"results":[],"run":"today"}`, "run is not an object"],
  [`{"results":[],"run":{"packages":["a"]}}`, "run.packages is not an object"],
  [`{"results":[],"run":{"date":3}}`, "run.date is not text"],
  [`{"results":[],"run":{"seconds":"3"}}`, "run.seconds is not a number"],
  [`{"results":[],"backends":5}`, "backends is not a list"],
  [`{"results":[],"backends":["cpu"]}`, "backends[0].name is not text"],
  [`{"results":[],"backends":[{"name":"cpu","supports":{}}]}`, "backends[0].supports.details is not an object"],
  [`{"results":[],"causes":{}}`, "causes is not a list"],
])("a file that is not a report is refused: %s", (text, why) => {
  expect(() => parseReport("x.json", text)).toThrow(`x.json: ${why}`);
});

test("a report that says little of its run can be compared", () => {
  const of = (run: object) => parseReport("x.json", JSON.stringify({ run, results: [] }));
  const old = of({ runtime: "Engine 1" });
  expect(old.run).toMatchObject({ runtime: "Engine 1", suite: "unknown", packages: {}, notStarted: [] });
  const now = of({ runtime: "Engine 2", packages: { "@bn/core": "1.0.0" } });
  expect(diffText(diffReports(old, now))).toContain("runtime: Engine 1 -> Engine 2");
});

test("JUnit: counts, known failures as skips, everything escaped", () => {
  const bad = { ...result('<a>"&', "failed", 2), reason: "off\u0000 by\n<2>", stack: "Error: x\n  at y" };
  const results = [
    result("ok"),
    bad,
    { ...result("old", "failed", 2), known: true as const },
    result("late", "notRun", null),
  ];
  const xml = junitReport({ run, backends: [{ name: "one", supports }], results });
  expect(xml).toContain('<testsuite name="one.kernels" tests="4" failures="1" errors="1" skipped="1"');
  expect(xml).toContain('name="&lt;a&gt;&quot;&amp;"');
  expect(xml).toContain("off\ufffd by&#10;&lt;2&gt;");
  expect(xml).toContain('<skipped message="known failure: ');
});

test("GitHub: an annotation per cause, with the command that repeats it", () => {
  const results = [result("a", "failed", 2), result("b", "failed", 2)];
  const text = githubAnnotations({ run, backends: [{ name: "one", supports, spec: "./one.js" }], results });
  expect(text).toMatch(/^::error title=one%3A K-1 does not hold/);
  expect(text).toContain("%0Arepeat: bn conformance --backend ./one.js --filter");
  expect(githubAnnotations({ run, backends: [], results: [result("a")] })).toBe("");
});
