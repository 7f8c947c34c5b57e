import { random } from "@bn/conformance";
import type { Backend } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { createWasm } from "@bn/wasm";
import { describe, expect, it } from "vitest";
import { type MutantSet, type Trial, trials } from "../src/generated/judge.ts";

/** `count` mutants drawn by the seed; `pnpm --filter @bn/mutants kill` judges all. */
function sampled(all: readonly Trial[], seed: string, count: number): Trial[] {
  const r = random(seed);
  return Array.from({ length: count }, () => all[r.integer(0, all.length - 1)] as Trial);
}

const CPU = ["cpu", () => createCpu()] as const;
const WASM = ["wasm", () => createWasm({ threads: 1 })] as const;
/** The least number of mutants and of their kinds in each set. */
const LEAST: Readonly<Record<MutantSet, readonly [mutants: number, kinds: number]>> = {
  generated: [1500, 200],
  strangers: [800, 250],
};
const ROWS: readonly [set: MutantSet, name: string, create: () => Promise<Backend>, count: number][] = [
  ["generated", ...CPU, 40],
  ["generated", ...WASM, 20],
  ["strangers", ...CPU, 20],
  ["strangers", ...WASM, 10],
];

describe.each(ROWS)("%s mutants of %s", (set, name, create, count) => {
  it("are many, and of many kinds", async () => {
    await using backend = await create();
    const all = trials(backend, [set]);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    const [mutants, kinds] = LEAST[set];
    expect(all.length).toBeGreaterThan(mutants);
    expect(new Set(all.map(({ kind }) => kind)).size).toBeGreaterThan(kinds);
  });
  it(`are killed: ${count} of them`, async () => {
    await using backend = await create();
    const alive: string[] = [];
    const chosen = sampled(trials(backend, [set]), set === "generated" ? name : `${set} ${name}`, count);
    for (const { id, judge } of chosen) if ((await judge()) === null) alive.push(id);
    expect(alive).toEqual([]);
  }, 300_000);
});
