import type { Dtype } from "@bn/core";
import { describe, expect, it } from "vitest";
import { cases } from "../src/cases/index.ts";
import { coveringArray } from "../src/cases/sweep/covering.ts";
import { CallData } from "../src/cases/sweep/data.ts";
import { KINDS } from "../src/cases/sweep/kinds.ts";
import { MAP_KERNELS } from "../src/cases/sweep/map-kernels.ts";
import { rowsFor } from "../src/cases/sweep/rows.ts";
import { EXTENTS, sizeOf } from "../src/cases/sweep/sizes.ts";
import { gradSumBounds, momentBounds, normalizeBound, precisionOf } from "../src/truth/bounds.ts";
import { gradSumErrors, momentErrors, normalizeLine } from "../src/truth/lines.ts";
import * as oracle from "../src/truth/oracle.ts";
import { wideMoments, wideProductSum, wideSum } from "../src/truth/reductions.ts";
import { reciprocalRoots, wideOf } from "../src/truth/wide.ts";

describe("coveringArray", () => {
  const factors = [7, 5, 3, 2].map((levels, i) => ({ name: `f${i}`, levels }));
  const odd = (row: readonly number[]) => !(row[0] === 3 && row[1] === 2);

  it("has every pair that is allowed, and no other", () => {
    const rows = coveringArray(factors, odd);
    for (let a = 0; a < 4; a++) {
      for (let b = a + 1; b < 4; b++) {
        const met = new Set(rows.map((row) => `${row[a]},${row[b]}`));
        const expected = (factors[a]?.levels ?? 0) * (factors[b]?.levels ?? 0) - (a === 0 && b === 1 ? 1 : 0);
        expect(met.size, `${a} and ${b}`).toBe(expected);
      }
    }
    expect(rows.every(odd)).toBe(true);
    expect(rows.length).toBeLessThan(50);
  });
  it("gives the same rows each time", () => expect(coveringArray(factors, odd)).toEqual(coveringArray(factors, odd)));
});

describe("the rows of a kernel", () => {
  const [normalize] = MAP_KERNELS;
  const rows = rowsFor(normalize!, EXTENTS.default, "1").flatMap((group) => group.rows);

  it("hold every outer and every inner from 1 to 130, and stay below the cap, but for one dimension", () => {
    for (const dimension of ["outer", "channels", "inner"] as const) {
      const met = new Set(rows.map(({ g }) => g[dimension]));
      expect(Array.from({ length: 130 }, (_, i) => i + 1).filter((n) => !met.has(n))).toEqual([]);
    }
    const beyond = rows.filter(({ g }) => sizeOf(g) > 2 ** 18).map(({ g }) => `${g.outer}x${g.channels}x${g.inner}`);
    expect(beyond.sort()).toEqual(["1x1x262145", "1x262145x1", "262145x1x1"]);
  });
  it("have every pair of sizes whose product is below the cap", () => {
    const { sizes, pairs } = EXTENTS.default;
    for (const [one, other] of [
      ["outer", "channels"],
      ["outer", "inner"],
      ["channels", "inner"],
    ] as const) {
      const met = new Set(rows.map(({ g }) => `${g[one]}x${g[other]}`));
      const all = sizes.flatMap((a) => sizes.filter((b) => a * b <= pairs).map((b) => `${a}x${b}`));
      expect(all.length).toBeGreaterThan(900);
      expect(all.filter((pair) => !met.has(pair))).toEqual([]);
    }
  });
  it("let every size meet every option, kind, aliasing and what comes before and after", () => {
    for (const dimension of ["outer", "inner"] as const) {
      for (const size of EXTENTS.default.sizes) {
        const own = rows.filter(({ g }) => g[dimension] === size);
        expect(new Set(own.map(({ option }) => option)).size, `options of ${dimension} ${size}`).toBe(3);
        expect(new Set(own.map(({ inPlace }) => inPlace)).size).toBe(2);
        expect(new Set(own.map(({ next }) => next)).size).toBe(3);
        if (size < 2 ** 15) expect(new Set(own.map(({ start }) => start)).size).toBe(KINDS.length);
      }
    }
  });
  it("depend on the seed only where they are drawn", () => {
    const ids = (seed: number) => cases({ tier: "quick", seed }).map(({ id }) => id);
    expect(ids(2)).toEqual(ids(1));
    const drawn = (seed: string) =>
      rowsFor(normalize!, EXTENTS.quick, seed).filter(({ name }) => name.startsWith("drawn"));
    expect(drawn("2")).not.toEqual(drawn("1"));
  });
});

// Compares the fast truth with the oracle that uses objects, on all kinds of finite data.
describe.each(["float32", "float64"] as const)("the fast truth of %s", (dtype: Dtype) => {
  const g = { outer: 3, channels: KINDS.length, inner: 17 };
  const supports = { nonFinite: false, subnormals: true, correctlyRounded: true } as never;
  const data = new CallData("fast", g, 0, dtype, supports);
  const [x, dy] = [data.x(), data.dy()];
  const p = precisionOf(dtype, supports);
  const given = { mean: oracle.channelsOf(data.mean()), variance: oracle.channelsOf(data.variance()) };
  const stats = { mean: wideOf(data.mean()), variance: wideOf(data.variance()), errors: null };
  const eps = Math.fround(1e-5);
  // Far below any bound: 2^-24 of a bound in float32, and the rounding to float64 in float64.
  const close = (got: ArrayLike<number>, expected: ArrayLike<number>, bound: ArrayLike<number>) => {
    for (let i = 0; i < expected.length; i++) {
      if (!Number.isFinite(expected[i])) continue; // near the end of float64's range, the oracle's own sum overflows
      const allowed = Math.abs(expected[i] as number) * 2 ** -51 + (bound[i] as number) * 2 ** -13;
      expect(Math.abs((got[i] as number) - (expected[i] as number)), `${i}`).toBeLessThanOrEqual(allowed);
    }
  };

  it("moments and their bounds", () => {
    const fast = wideMoments(x, g, dtype);
    const slow = oracle.moments(x, g);
    const bounds = momentBounds(p, x, g, slow);
    const errors = momentErrors(p, fast, g.outer * g.inner);
    close(fast.mean.hi, oracle.valuesOf(slow.mean), bounds.mean);
    close(fast.variance.hi, oracle.valuesOf(slow.variance), bounds.variance);
    close(errors.mean, bounds.mean, bounds.mean);
    close(errors.variance, bounds.variance, bounds.variance);
  });
  it("sums and their bounds", () => {
    const r = reciprocalRoots(stats.variance, eps, dtype);
    const [fastDy, fastXhat] = [wideSum(dy, g, dtype), wideProductSum(dy, x, g, stats.mean, r, dtype)];
    const slow = oracle.gradSums(dy, x, g, given, eps);
    const bounds = gradSumBounds(p, dy, x, g, given, eps, slow, null);
    const errors = gradSumErrors(p, fastDy, fastXhat, r, g.outer * g.inner, stats, eps);
    close(fastDy.sum.hi, oracle.valuesOf(slow.dy), bounds.dy);
    close(fastXhat.sum.hi, oracle.valuesOf(slow.dyXhat), bounds.dyXhat);
    close(errors.dy, bounds.dy, bounds.dy);
    close(errors.dyXhat, bounds.dyXhat, bounds.dyXhat);
  });
  it("the bound of a map", () => {
    const affine = { gamma: data.gamma(), beta: data.beta() };
    const slow = { gamma: oracle.channelsOf(affine.gamma), beta: oracle.channelsOf(affine.beta) };
    const bounds = normalizeBound(p, x, g, given, eps, slow, null);
    const line = normalizeLine(p, stats, eps, affine);
    oracle.each(g, (i, c) => {
      const d = Math.abs((x[i] as number) - (stats.mean.hi[c] as number));
      close([(line.fixed[c] as number) + (line.slope[c] as number) * d], [bounds[i] as number], [bounds[i] as number]);
    });
  });
});
