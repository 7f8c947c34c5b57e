import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HostArray } from "../src/backend.ts";
import { createDigest } from "../src/ranks/digest.ts";
import { COUNT, lowAt, m2At, meanAt, mergeRanks, momentsLength, sumRanks } from "../src/ranks/merge-ranks.ts";

/** 2^-53, the unit roundoff of the merge. */
const V = 2 ** -53;

const digestOf = (views: readonly HostArray[], lengths: readonly number[]) => createDigest(lengths)(views);

/** The values of one channel of one rank. They are whole numbers, so that BigInt computes their sums exactly. */
type Values = readonly number[];

/** a / b, rounded once, and the rounding error, to a part in 2^100. */
function quotient(a: bigint, b: bigint): { high: number; low: number } {
  const scaled = (a << 100n) / b;
  const high = Number(scaled) / 2 ** 100;
  return { high, low: Number(scaled - BigInt(high * 2 ** 70) * 2n ** 30n) / 2 ** 100 };
}

function exactOf(values: Values) {
  const n = BigInt(values.length);
  const sum = values.reduce((total, x) => total + BigInt(x), 0n);
  const squares = values.reduce((total, x) => total + BigInt(x) ** 2n, 0n);
  const mean = quotient(sum, n);
  return { mean, m2: quotient(n * squares - sum * sum, n).high };
}

/** The message of each rank that has `values` in each of `channels` channels. */
function sent(ranks: readonly Values[], channels = 1): Float64Array {
  const length = momentsLength(channels);
  const all = new Float64Array(ranks.length * length);
  for (const [rank, values] of ranks.entries()) {
    all[rank * length + COUNT] = values.length;
    if (values.length === 0) continue;
    const { mean, m2 } = exactOf(values);
    for (let c = 0; c < channels; c++) {
      all[rank * length + meanAt + c] = mean.high;
      all[rank * length + lowAt(channels) + c] = mean.low;
      all[rank * length + m2At(channels) + c] = m2;
    }
  }
  return all;
}

function merged(ranks: readonly Values[]) {
  const mean = new Float64Array(1);
  const variance = new Float64Array(1);
  const count = mergeRanks(sent(ranks), ranks.length, 1, mean, variance);
  return { count, mean: mean[0]!, variance: variance[0]! };
}

/** R-3 as it is written, for channel `c`; null if a sum is not finite, because M-1 holds then. */
function oneByOne(all: Float64Array, size: number, channels: number, c: number): number[] | null {
  const at = (rank: number, start: number) => all[rank * momentsLength(channels) + start]!;
  const ranks = Array.from({ length: size }, (_, rank) => rank).filter((rank) => at(rank, COUNT) > 0);
  const count = ranks.reduce((sum, rank) => sum + at(rank, COUNT), 0);
  const meanOf = (rank: number, minus: number, low: number) =>
    at(rank, meanAt + c) - minus + (at(rank, lowAt(channels) + c) - low);
  const shift = at(ranks[0] ?? 0, meanAt + c);
  const by = ranks.reduce((sum, rank) => sum + at(rank, COUNT) * meanOf(rank, shift, 0), 0) / count;
  const mean = shift + by;
  const low = shift - (mean - (mean - shift)) + (by - (mean - shift));
  const m2 = ranks.reduce((sum, rank) => {
    const d = meanOf(rank, mean, low);
    return sum + (at(rank, m2At(channels) + c) + at(rank, COUNT) * d * d);
  }, 0);
  return Number.isFinite(mean) && Number.isFinite(m2) ? [mean, m2 / count] : null;
}

const rankValues = fc
  .tuple(
    fc.integer({ min: -(2 ** 30), max: 2 ** 30 }),
    fc.array(fc.integer({ min: -1000, max: 1000 }), { maxLength: 9 }),
  )
  .map(([offset, list]) => list.map((value) => offset + value));
const near = fc
  .tuple(
    fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
    fc.array(fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 6 })),
  )
  .map(([offset, ranks]) => ranks.map((list) => list.map((value) => offset + value)));
const data = fc.oneof(fc.array(rankValues, { minLength: 1, maxLength: 40 }), near);

describe("moments of ranks (R-3)", () => {
  it("are within the bound of exact arithmetic: unequal, empty and one-value ranks, at any offset", () => {
    fc.assert(
      fc.property(data, (ranks) => {
        const all = ranks.flat();
        const { count, mean, variance } = merged(ranks);
        expect(count).toBe(all.length);
        if (all.length === 0) return;
        const exact = exactOf(all);
        const spread = Math.max(...all.map((x) => Math.abs(x - exact.mean.high)));
        const e = (8 + 2 * ranks.length) * V * spread + V * V * Math.abs(exact.mean.high);
        expect(Math.abs(mean - exact.mean.high)).toBeLessThanOrEqual(e + 2 * V * Math.abs(exact.mean.high));
        const truth = exact.m2 / all.length;
        const root = Math.sqrt(truth);
        expect(Math.abs(variance - truth)).toBeLessThanOrEqual(
          (10 + 2 * ranks.length) * V * (root + 2 * e) ** 2 + 4 * e * (root + e),
        );
      }),
      { numRuns: 3000 },
    );
  });

  it("do not depend on ranks without values, to the bit", () => {
    fc.assert(
      fc.property(data, fc.nat(40), (ranks, at) => {
        const more = [...ranks.slice(0, at), [], ...ranks.slice(at), []];
        expect(merged(more)).toEqual(merged(ranks));
      }),
    );
  });

  it("are those of one channel and one rank after the other, to the bit: two ranks and more, few channels and many", () => {
    const number = fc.oneof(
      { weight: 20, arbitrary: fc.double({ noNaN: true, min: -1e3, max: 1e3 }) },
      { weight: 1, arbitrary: fc.double() },
    );
    const part = fc.record({ count: fc.integer({ min: 0, max: 9 }), seeds: fc.array(number, { minLength: 3 }) });
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 4 }),
        fc.constantFrom(1, 5, 512, 1030),
        (parts, channels) => {
          const length = momentsLength(channels);
          const all = new Float64Array(parts.length * length);
          for (const [rank, { count, seeds }] of parts.entries()) {
            all[rank * length + COUNT] = count;
            for (let c = 0; c < channels; c++) {
              const seed = (i: number) => seeds[(i + c) % seeds.length]! * (1 + (c % 7));
              all[rank * length + meanAt + c] = seed(0);
              all[rank * length + lowAt(channels) + c] = seed(1) * V;
              all[rank * length + m2At(channels) + c] = Math.abs(seed(2));
            }
          }
          const [mean, variance] = [new Float64Array(channels).fill(7), new Float64Array(channels).fill(7)];
          const count = mergeRanks(all, parts.length, channels, mean, variance);
          for (let c = 0; c < channels; c++) {
            const expected = oneByOne(all, parts.length, channels, c);
            if (count === 0) expect([mean[c], variance[c]]).toEqual([7, 7]);
            else if (expected !== null) expect([mean[c], variance[c]]).toEqual(expected);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("are exact where every rank's moments are numbers of few bits, whatever the order", () => {
    const rank = fc.tuple(
      fc.integer({ min: -99, max: 99 }),
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 0, max: 8 }),
    );
    fc.assert(
      fc.property(fc.array(rank, { minLength: 1, maxLength: 12 }), (ranks) => {
        // Pairs mean - a, mean + a. The number of pairs is extended to a power of two, so that the mean of all is a
        // number of few bits.
        const lists = ranks.map(([mean, a, pairs]) =>
          Array.from({ length: 2 * pairs }, (_, i) => mean + (i % 2 ? a : -a)),
        );
        const count = lists.flat().length;
        const missing = 2 ** Math.ceil(Math.log2(Math.max(count, 1))) - count;
        lists.push(Array.from({ length: missing }, (_, i) => (i % 2 ? 1 : -1)));
        const all = lists.flat();
        if (all.length === 0) return;
        const exact = exactOf(all);
        for (const order of [lists, lists.toReversed()]) {
          expect(merged(order)).toEqual({ count: all.length, mean: exact.mean.high, variance: exact.m2 / all.length });
        }
      }),
    );
  });

  it("keep a variance of 1 under a mean of 10^6, over wildly unequal ranks", () => {
    const ranks = [1, 7, 999_999_000, 2, 0, 990];
    const length = momentsLength(1);
    const all = new Float64Array(ranks.length * length);
    for (const [rank, count] of ranks.entries()) all.set([count, 0, count > 0 ? 1e6 : 0, 0, count], rank * length);
    const [mean, variance] = [new Float64Array(1), new Float64Array(1)];
    expect(mergeRanks(all, ranks.length, 1, mean, variance)).toBe(1e9);
    expect([mean[0], variance[0]]).toEqual([1e6, 1]);
  });

  it("bear means at both ends of the range, NaN and infinities", () => {
    const of = (...means: readonly number[]) => {
      const all = new Float64Array(means.length * momentsLength(1));
      for (const [rank, mean] of means.entries()) all.set([2, 0, mean, 0, 0], rank * momentsLength(1));
      const [mean, variance] = [new Float64Array(1), new Float64Array(1)];
      mergeRanks(all, means.length, 1, mean, variance);
      return [mean[0], variance[0]];
    };
    expect(of(1.5e308, -1.5e308)).toEqual([0, Number.POSITIVE_INFINITY]);
    expect(of(1.5e308, 1.5e308, 1.5e308)[0]).toBe(1.5e308);
    expect(of(1, Number.NaN)).toEqual([Number.NaN, Number.NaN]);
    expect(of(Number.POSITIVE_INFINITY, 1)[0]).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("sums of ranks (R-3)", () => {
  it("are within the bound of exact arithmetic", () => {
    const whole = fc
      .double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 })
      .map((x) => Math.round(x * 1024) / 1024);
    fc.assert(
      fc.property(fc.array(whole, { minLength: 1, maxLength: 50 }), (values) => {
        const exact = values.reduce((sum, value) => sum + BigInt(value * 1024), 0n);
        const total = new Float64Array(1);
        sumRanks(Float64Array.from(values), values.length, 1, total);
        const terms = values.reduce((sum, value) => sum + Math.abs(value), 0);
        const off = Math.abs(total[0]! - Number(exact) / 1024);
        expect(off).toBeLessThanOrEqual(values.length * V * terms);
      }),
    );
  });

  it("bear infinities and NaN", () => {
    const total = new Float64Array(3);
    sumRanks(new Float64Array([Infinity, Number.NaN, 1e308, 1, 1, 1e308]), 2, 3, total);
    expect([...total]).toEqual([Infinity, Number.NaN, Infinity]);
  });
});

describe("the digest of stored statistics", () => {
  it("is the same for the same numbers, whatever the bits of a NaN or the sign of a zero", () => {
    const negative = new Float64Array(new BigUint64Array([0xfff8_0000_0000_0001n]).buffer);
    expect(digestOf([negative, new Float32Array([-0])], [1, 1])).toBe(
      digestOf([new Float64Array([Number.NaN]), new Float32Array([0])], [1, 1]),
    );
  });

  it("differs where one bit does, but in a NaN or in the sign of a zero", () => {
    const bits = fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(bits, fc.nat(), fc.nat(31), fc.boolean(), (words, at, bit, double) => {
        const from = Int32Array.from(words.slice(0, words.length - (words.length % 2)));
        const to = from.slice();
        to[at % to.length]! ^= 1 << bit;
        const [a, b] = [from, to].map(({ buffer }) => (double ? new Float64Array(buffer) : new Float32Array(buffer)));
        const same = a!.every((value, i) => value === b![i] || (Number.isNaN(value) && Number.isNaN(b![i]!)));
        expect(digestOf([a!], [a!.length]) === digestOf([b!], [b!.length])).toBe(same);
      }),
      { numRuns: 2000 },
    );
  });

  it("is that of the arrays which are given, also after others", () => {
    const digest = createDigest([2]);
    const [first, second] = [Float32Array.of(1, 2), Float32Array.of(3, 4)];
    const values = [first, second, first].map((view) => digest([view]));
    expect(values).toEqual([first, second, first].map((view) => digestOf([view], [2])));
    first[0] = 5;
    expect(digest([first])).not.toBe(values[0]);
  });

  it("differs where one number does, and looks at no more than it should", () => {
    const list = new Float32Array([1, 2, 3, 4]);
    const other = new Float32Array([1, 2, Math.fround(3.0000002), 4]);
    expect(digestOf([list], [4])).not.toBe(digestOf([other], [4]));
    expect(digestOf([list], [2])).toBe(digestOf([other], [2]));
    // Top bits alone: multiplications carry a difference upwards only, and two of these would cancel each other.
    for (const Type of [Float32Array, Float64Array]) {
      const of = (values: readonly number[]) => digestOf([Type.from(values)], [values.length]);
      const digests = [
        [1, 2, 3, 4],
        [-1, -2, 3, 4],
        [-1, 2, -3, 4],
        [2, 1, 3, 4],
        [1, 2, 3, -4],
      ].map(of);
      expect(new Set(digests).size).toBe(digests.length);
    }
  });
});
