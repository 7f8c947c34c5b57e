import { random } from "@bn/conformance";
import type { Backend } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { createWasm } from "@bn/wasm";
import { describe, expect, it } from "vitest";
import { type Trial, trials } from "../src/generated/judge.ts";

/** `count` mutants drawn by the seed; `pnpm --filter @bn/mutants kill` judges all. */
function sampled(all: readonly Trial[], seed: string, count: number): Trial[] {
  const r = random(seed);
  return Array.from({ length: count }, () => all[r.integer(0, all.length - 1)] as Trial);
}

const BACKENDS: readonly [name: string, create: () => Promise<Backend>, count: number][] = [
  ["cpu", () => createCpu(), 40],
  ["wasm", () => createWasm({ threads: 1 }), 20],
];

describe.each(BACKENDS)("generated mutants of %s", (name, create, count) => {
  it("are many, and of many kinds", async () => {
    await using backend = await create();
    const all = trials(backend);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(all.length).toBeGreaterThan(1500);
    expect(new Set(all.map(({ kind }) => kind)).size).toBeGreaterThan(200);
  });
  it(`are killed: ${count} of them`, async () => {
    await using backend = await create();
    const alive: string[] = [];
    for (const { id, judge } of sampled(trials(backend), name, count)) if ((await judge()) === null) alive.push(id);
    expect(alive).toEqual([]);
  }, 300_000);
});
