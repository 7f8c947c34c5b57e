import { random } from "@bn/conformance";
import { createCpu } from "@bn/cpu";
import { describe, expect, it, vi } from "vitest";
import { generateLayers } from "../src/layers/generate.ts";
import { judgeLayers, layerCasesOf, type Planting, planting } from "../src/layers/judge.ts";
import { over } from "../src/over.ts";

// BN_MUTANTS=all plants every mutant; a run in CI plants a sample.
const SAMPLE = process.env.BN_MUTANTS === "all" ? Number.POSITIVE_INFINITY : 30;

let planted: Planting | undefined;
vi.resetModules();
vi.doMock("@bn/core", async (importOriginal) => {
  const real = await importOriginal<typeof import("@bn/core")>();
  planted = planting(real);
  return { ...real, ...planted.core };
});
const { cases } = await import("@bn/conformance");

describe("generated mutants of layers", () => {
  const all = generateLayers();
  it("are many, and of many kinds", () => {
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(all.length).toBeGreaterThan(300);
  });
  it("nothing dies of being wrapped", async () => {
    await using cpu = await createCpu();
    for (const type of ["BatchNorm", "BatchNormScale", "Scale"] as const) {
      planted?.plant({ id: "", kind: "", type, plant: (layer) => over(layer, {}) });
      for (const one of layerCasesOf(cases({ tier: "quick" })).filter(({ id }) => id.includes(`/${type}/`))) {
        const done = await one.run({ backend: cpu, create: createCpu });
        expect(
          done.filter(({ ratio }) => !(ratio <= 1)),
          one.id,
        ).toEqual([]);
      }
    }
    planted?.plant(null);
  }, 300_000);
  it("are killed", async () => {
    await using cpu = await createCpu();
    const r = random("layer mutants");
    const drawn = all.map((mutant) => ({ mutant, at: r.uniform() })).sort((a, b) => a.at - b.at);
    const chosen = drawn.slice(0, SAMPLE).map(({ mutant }) => mutant.id);
    const verdicts = await judgeLayers(planted as Planting, cpu, cases(), (mutants) =>
      mutants.filter(({ id }) => chosen.includes(id)),
    );
    expect(verdicts.length).toBe(Math.min(SAMPLE, all.length));
    if (SAMPLE > 1000)
      console.log(
        `${verdicts.length} mutants of layers, ${new Set(all.map(({ kind }) => kind)).size} kinds of mistake`,
      );
    expect(verdicts.filter(({ killedBy }) => killedBy === null).map(({ mutant }) => mutant.id)).toEqual([]);
  }, 1_800_000);
});
