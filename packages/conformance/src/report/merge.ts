import { BnError } from "@bn/core";
import type { JsonReport } from "./json.ts";
import { digestOf, type RunRecord } from "./record.ts";
import { summarize } from "./table.ts";

/**
 * Merges the shards of one run into the report of the whole run.
 *
 * Errors: `ERR_BN_DATA` if the shards are not those of one run: their cases, suites or backends differ, one occurs
 * twice, or one is missing.
 */
export function mergeReports(shards: readonly { readonly name: string; readonly report: JsonReport }[]): JsonReport {
  const bad = (what: string) => new BnError("ERR_BN_DATA", `cannot merge: ${what}`);
  const parts = shards.map(({ name, report }) => {
    const { run } = report;
    if (!run?.shard) throw bad(`${name} is not a shard; run \`bn conformance --shard I/N --json ${name}\``);
    return { name, report, run, shard: run.shard };
  });
  const [first] = parts;
  if (!first) throw bad("no report was given");
  const backends = namesOf(first.report);
  const byIndex = new Map<number, (typeof parts)[number]>();
  for (const part of parts) {
    const { name, run, shard } = part;
    for (const [what, a, b] of [
      ["the number of shards", first.shard.count, shard.count],
      ["the cases", first.shard.digest, shard.digest],
      ["the suite", first.run.suite, run.suite],
      ["the contract", first.run.contract, run.contract],
      ["the seed", first.run.seed, run.seed],
      ["the tier", first.run.tier, run.tier],
      ["the backends", backends, namesOf(part.report)],
    ] as const) {
      if (a !== b) throw bad(`${first.name} and ${name} belong to different runs: ${what} differ, ${a} and ${b}`);
    }
    const twin = byIndex.get(shard.index);
    if (twin) throw bad(`${twin.name} and ${name} are both shard ${shard.index} of ${shard.count}`);
    byIndex.set(shard.index, part);
  }
  const missing = Array.from({ length: first.shard.count }, (_, i) => i + 1).filter((index) => !byIndex.has(index));
  if (missing.length > 0) throw bad(`shard ${missing.join(", ")} of ${first.shard.count} is missing`);
  const ordered = [...byIndex].sort(([a], [b]) => a - b).map(([, part]) => part);
  const results = first.report.backends.flatMap(({ name }) =>
    interleave(ordered.map(({ report }) => report.results.filter(({ backend }) => backend === name))),
  );
  for (const { name } of first.report.backends) {
    const ids = results.filter(({ backend, group }) => backend === name && group !== "process").map(({ id }) => id);
    if (digestOf(ids) !== first.shard.digest) throw bad(`the results of ${name} are not all cases of the run`);
  }
  const run: RunRecord = {
    ...first.run,
    seconds: ordered.reduce((sum, part) => sum + part.run.seconds, 0),
    shard: null,
    ended: ordered.map((part) => part.run.ended).find((ended) => ended !== null) ?? null,
    notStarted: ordered.flatMap((part) => part.run.notStarted),
  };
  return {
    run,
    summary: summarize(results),
    backends: first.report.backends,
    results,
    causes: ordered.flatMap((part) => part.report.causes),
  };
}

function namesOf({ backends }: JsonReport): string {
  return backends.map(({ name }) => name).join(", ");
}

/**
 * Shard i of n has every n-th case, so merging takes the first case of each shard, then the second, and so on, in the
 * order of the whole run.
 */
function interleave<T extends { readonly group: string }>(lists: readonly (readonly T[])[]): T[] {
  const cases = lists.map((list) => list.filter(({ group }) => group !== "process"));
  const longest = Math.max(0, ...cases.map(({ length }) => length));
  const woven = Array.from({ length: longest }, (_, i) => cases.flatMap((list) => list.slice(i, i + 1))).flat();
  return [...woven, ...lists.flatMap((list) => list.filter(({ group }) => group === "process"))];
}
