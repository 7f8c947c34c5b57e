import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bn, fixture } from "./bn.ts";

const WRONG = [
  "--backend",
  fixture("unruly/throws-in-kernel.js"),
  "--filter",
  "kernels/normalize/*x?/float32",
  "--quick",
];
const RIGHT = ["--backend", fixture("third-party.js"), "--filter", "kernels/normalize/*x?/float32", "--quick"];

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bn-baseline-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("the flow in CI: a baseline of known failures, a diff of two runs, shards that are merged", async () => {
  expect((await bn(["conformance", ...WRONG, "--json", at("wrong.json")])).code).toBe(1);
  const known = await bn(["conformance", ...WRONG, "--baseline", at("wrong.json"), "--junit", at("junit.xml")]);
  expect(known.stdout).toMatch(/\d+ failed \(\d+ known\)/);
  expect(known.stdout).not.toContain("FAILED");
  expect(known.code).toBe(0);
  expect(await readFile(at("junit.xml"), "utf8")).toContain("known failure: ");

  const mended = await bn(["conformance", ...RIGHT, "--baseline", at("wrong.json"), "--json", at("right.json")]);
  expect(mended.stdout).toContain(
    "known failures that pass now; remove them from the baseline:\n  third-party  kernels/normalize/",
  );
  expect(mended.code).toBe(0);

  const better = await bn(["diff", at("wrong.json"), at("right.json")]);
  expect(better.stdout).toMatch(/^0 newly failed, [1-9]\d* fixed/m);
  expect(better.code).toBe(0);
  const worse = await bn(["diff", at("right.json"), at("wrong.json")]);
  expect(worse.stdout).toMatch(
    /^newly failed\n {2}third-party {2}normalize: throws RangeError: .+ \(K-2\)\n {4}1 case, kernels\/normalize\/\S+\n {4}repeat {2}bn /,
  );
  expect(worse.code).toBe(1);

  for (const i of [1, 2]) await bn(["conformance", ...RIGHT, "--shard", `${i}/2`, "--json", at(`${i}.json`)]);
  const merged = await bn(["merge", at("merged.json"), at("2.json"), at("1.json")]);
  expect(merged.stdout).toMatch(/^2 shards: [1-9]\d* passed, 0 failed/);
  expect(merged.code).toBe(0);
  const same = await bn(["diff", at("right.json"), at("merged.json")]);
  expect(same.stdout).toMatch(/^0 newly failed, 0 fixed, 0 newly skipped, 0 missing, 0 new/m);
  const gap = await bn(["merge", at("gap.json"), at("1.json")]);
  expect(gap.stderr).toContain("shard 2 of 2 is missing");
  expect(gap.code).toBe(2);
});
