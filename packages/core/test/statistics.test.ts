import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BatchMoments, createStatistics, loadStatistics, type Statistics } from "../src/index.ts";

/** 2^-53, the unit roundoff of the merge. */
const V = 2 ** -53;

/** Sum and sum of squares of integers, exact for any number of them. */
interface Exact {
  readonly count: number;
  readonly sum: bigint;
  readonly squares: bigint;
}

const exactOf = (values: readonly number[]): Exact => ({
  count: values.length,
  sum: values.reduce((sum, x) => sum + BigInt(x), 0n),
  squares: values.reduce((sum, x) => sum + BigInt(x) ** 2n, 0n),
});
const added = (a: Exact, b: Exact): Exact => ({
  count: a.count + b.count,
  sum: a.sum + b.sum,
  squares: a.squares + b.squares,
});

/** a / b, to a part in 2^100 of b, which is enough for a float64 and its rounding error. */
function quotient(a: bigint, b: bigint): { high: number; low: number } {
  const scaled = (a << 100n) / b;
  const high = Number(scaled) / 2 ** 100;
  return { high, low: Number(scaled - BigInt(high * 2 ** 70) * 2n ** 30n) / 2 ** 100 };
}

function truthOf({ count, sum, squares }: Exact) {
  const n = BigInt(count);
  const { high } = quotient(sum, n);
  return { mean: high, m2: quotient(n * squares - sum * sum, n).high };
}

function momentsOf(exact: Exact): BatchMoments {
  const one = (value: number) => new Float64Array([value]);
  if (exact.count === 0) return { count: 0, mean: one(0), meanLow: one(0), m2: one(0) };
  const n = BigInt(exact.count);
  const { high, low } = quotient(exact.sum, n);
  return {
    count: exact.count,
    mean: one(high),
    meanLow: one(low),
    m2: one(quotient(n * exact.squares - exact.sum ** 2n, n).high),
  };
}

/** Divides batches [0, n) into parts at `cuts`, and merges the parts in order. */
function inParts(batches: readonly BatchMoments[], cuts: readonly number[]): Statistics {
  const ends = [...new Set([...cuts.map((cut) => cut % (batches.length + 1)), batches.length])].sort((a, b) => a - b);
  const all = createStatistics(1);
  let first = 0;
  for (const end of ends) {
    const part = createStatistics(1, { first });
    for (const batch of batches.slice(first, end)) part.addMoments(batch);
    all.merge(loadStatistics(structuredClone(part.state())));
    first = end;
  }
  return all;
}

const values = fc.tuple(
  fc.integer({ min: -(2 ** 30), max: 2 ** 30 }),
  fc.array(fc.integer({ min: -1000, max: 1000 }), { maxLength: 9 }),
);
const data = fc.array(
  values.map(([offset, list]) => list.map((value) => offset + value)),
  { minLength: 1, maxLength: 40 },
);

describe("merged statistics (M-1)", () => {
  it("are within the bound of exact arithmetic, for unequal, empty and one-value batches at any offset", () => {
    fc.assert(
      fc.property(data, (batches) => {
        const exact = batches.map(exactOf);
        const total = exact.reduce(added);
        if (total.count === 0) return;
        const statistics = createStatistics(1);
        for (const one of exact) statistics.addMoments(momentsOf(one));
        const { mean, m2 } = truthOf(total);
        const all = batches.flat();
        const spread = Math.max(...all.map((x) => Math.abs(x - mean)));
        const levels = 3 * Math.log2(batches.length) + 1;
        const d = 10 * V * levels * spread + V * V * Math.abs(mean);
        expect(statistics.count).toBe(total.count);
        expect(Math.abs(statistics.mean()[0]! - mean)).toBeLessThanOrEqual(d + V * Math.abs(mean));
        const variance = m2 / total.count;
        const root = Math.sqrt(variance);
        const bound = 8 * V * levels * (root + 2 * d) ** 2 + 4 * d * (root + d);
        expect(Math.abs(statistics.variance()[0]! - variance)).toBeLessThanOrEqual(bound);
      }),
      { numRuns: 2000 },
    );
  });

  it("keep a variance of 1 under a mean of 10^6, over 10^9 values in wildly unequal parts", () => {
    const statistics = createStatistics(1);
    const one = (value: number) => new Float64Array([value]);
    let rest = 1e9;
    for (const count of [1, 7, 999_999_000, 2, 0, 990]) {
      rest -= count;
      statistics.addMoments({ count, mean: one(1e6), meanLow: one(0), m2: one(count) });
    }
    expect(rest).toBe(0);
    expect(statistics.count).toBe(1e9);
    expect(statistics.mean()[0]).toBe(1e6);
    expect(statistics.variance()[0]).toBe(1);
  });

  it("are exact where all sums are: eight equal parts of few bits", () => {
    const statistics = createStatistics(1);
    const batches = Array.from({ length: 8 }, (_, b) => [4 * b, 4 * b + 8, 4 * b - 8, 4 * b]);
    for (const batch of batches) statistics.addMoments(momentsOf(exactOf(batch)));
    const { mean, m2 } = truthOf(batches.map(exactOf).reduce(added));
    expect([statistics.mean()[0], statistics.variance()[0]]).toEqual([mean, m2 / 32]);
  });

  it("overflow only where the result does", () => {
    const far = createStatistics(1);
    const one = (value: number) => new Float64Array([value]);
    for (const mean of [1.5e308, -1.5e308]) far.addMoments({ count: 2, mean: one(mean), meanLow: one(0), m2: one(0) });
    expect([far.mean()[0], far.variance()[0]]).toEqual([0, Number.POSITIVE_INFINITY]);
    const near = createStatistics(1);
    for (const mean of [1e308, 1.2e308]) near.addMoments({ count: 4, mean: one(mean), meanLow: one(0), m2: one(0) });
    expect(near.mean()[0]).toBeCloseTo(1.1e308, -293);
  });

  it("are poisoned by NaN and infinities in their own channel alone", () => {
    const statistics = createStatistics(3);
    const zeros = new Float64Array(3);
    statistics.addMoments({ count: 2, mean: new Float64Array([Number.NaN, 1, Infinity]), meanLow: zeros, m2: zeros });
    statistics.addMoments({ count: 2, mean: new Float64Array([1, 3, 1]), meanLow: zeros, m2: zeros });
    expect([...statistics.mean()]).toEqual([Number.NaN, 2, Number.POSITIVE_INFINITY]);
    expect([...statistics.variance()]).toEqual([Number.NaN, 1, Number.POSITIVE_INFINITY]);
  });
});

describe("the tree (M-2)", () => {
  it("gives the same bits, however batches are cut into parts", () => {
    fc.assert(
      fc.property(data, fc.array(fc.nat(40), { maxLength: 8 }), (batches, cuts) => {
        const moments = batches.map((batch) => momentsOf(exactOf(batch)));
        const whole = createStatistics(1);
        for (const batch of moments) whole.addMoments(batch);
        expect(inParts(moments, cuts).state()).toEqual(whole.state());
      }),
      { numRuns: 1000 },
    );
  });

  it("keeps O(log n) subtrees", () => {
    const statistics = createStatistics(1, { first: 12_345 });
    const batch = momentsOf(exactOf([1, 2, 3]));
    for (let b = 0; b < 100_000; b++) statistics.addMoments(batch);
    expect(statistics.state().blocks.length).toBeLessThanOrEqual(2 * 17);
    expect(statistics.batches).toBe(100_000);
  });
});

describe("refused, with nothing changed", () => {
  const batch = momentsOf(exactOf([1, 2]));
  const one = () => {
    const statistics = createStatistics(1);
    statistics.addMoments(batch);
    return statistics;
  };
  const later = createStatistics(1, { first: 5 });
  it.each<[string, string, (s: Statistics) => unknown]>([
    [
      "a gap",
      "ERR_BN_PARAM Statistics merge: a gap: the other part begins with batch 5, expected 1",
      (s) => s.merge(later),
    ],
    ["an overlap", "ERR_BN_PARAM Statistics merge: an overlap", (s) => s.merge(s)],
    ["other channels", "the other part has 2 channels, expected 1", (s) => s.merge(createStatistics(2, { first: 1 }))],
    ["no statistics", "this is not a state of Statistics", (s) => s.merge(JSON.parse("{}"))],
    ["a negative sum of squares", "m2[0] is -1", (s) => s.addMoments({ ...batch, m2: new Float64Array([-1]) })],
    ["a fractional count", "count is 0.5", (s) => s.addMoments({ ...batch, count: 0.5 })],
    [
      "too few means",
      "mean is 0 values, expected a Float64Array of 1",
      (s) => s.addMoments({ ...batch, mean: new Float64Array(0) }),
    ],
    ["more values than can be counted", "2^53 - 1", (s) => s.addMoments({ ...batch, count: 2 ** 53 - 1 })],
    [
      "a version of the future",
      "this release reads 1",
      (s) => loadStatistics(JSON.parse(JSON.stringify({ ...s.state(), version: 2 }))),
    ],
    ["blocks that do not cover the batches", "expected 2", (s) => loadStatistics({ ...s.state(), batches: 2 })],
    ["no channels", "channels is 0", () => createStatistics(0)],
    ["a batch of no number", "first is -1", () => createStatistics(1, { first: -1 })],
  ])("%s", (_, what, act) => {
    const statistics = one();
    const before = statistics.state();
    expect(() => act(statistics)).toThrow(expect.objectContaining({ code: "ERR_BN_PARAM" }));
    try {
      act(statistics);
    } catch (error) {
      expect(`${(error as { code: string }).code} ${(error as Error).message}`).toContain(what);
    }
    expect(statistics.state()).toEqual(before);
  });

  it("a mean of nothing, an unbiased variance of one value", () => {
    const statistics = createStatistics(1);
    const state = expect.objectContaining({ code: "ERR_BN_STATE" });
    expect(() => statistics.mean()).toThrow(state);
    expect(() => statistics.variance()).toThrow(state);
    statistics.addMoments(momentsOf(exactOf([7])));
    expect(statistics.variance()[0]).toBe(0);
    expect(() => statistics.variance({ unbiased: true })).toThrow(state);
  });
});
