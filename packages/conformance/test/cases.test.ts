import { describe, expect, it } from "vitest";
import { DISTRIBUTIONS, sample } from "../src/cases/data.ts";
import { cases } from "../src/cases/index.ts";
import { random } from "../src/cases/random.ts";

describe("cases()", () => {
  const all = cases();
  it("have ids of their own, in the same order each time", () => {
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(cases().map(({ id }) => id)).toEqual(all.map(({ id }) => id));
  });
  it("name clauses", () => {
    expect(all.filter(({ clause }) => !/^(B|L|BN|BS|S|K|N)-\d+$/.test(clause))).toEqual([]);
  });
  it("ask for what their data need: nothing that is not finite without nonFinite", () => {
    const g = { outer: 4, channels: 3, inner: 25 };
    for (const distribution of DISTRIBUTIONS) {
      const values = sample("finite", distribution, g, "float32");
      const finite = values.every((value) => Number.isFinite(value));
      if (!finite) expect(distribution.needs.nonFinite, distribution.name).toBe(true);
    }
  });
});

describe("random()", () => {
  it("depends on its seed alone, and is uniform and normal", () => {
    const [a, b, other] = [random("seed"), random("seed"), random("seed2")];
    expect(a.uniform()).toBe(b.uniform());
    expect(a.uniform()).not.toBe(other.uniform());
    const n = 20_000;
    const values = Array.from({ length: n }, () => a.normal());
    const mean = values.reduce((sum, v) => sum + v, 0) / n;
    const variance = values.reduce((sum, v) => sum + v * v, 0) / n;
    // The tolerance is five standard errors.
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    const integers = new Set(Array.from({ length: 200 }, () => b.integer(-2, 2)));
    expect([...integers].sort((x, y) => x - y)).toEqual([-2, -1, 0, 1, 2]);
  });
});
