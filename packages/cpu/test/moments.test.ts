import type { Dtype, Geometry } from "@bn/core";
import { describe, expect, it } from "vitest";
import { createCpu } from "../src/index.ts";
import { bufferOf, DTYPES, exactSum, indicesOf, normals, UNIT } from "./support.ts";

async function momentsOf(dtype: Dtype, g: Geometry, value: (i: number) => number) {
  const cpu = await createCpu();
  const x = bufferOf(cpu, dtype, g.outer * g.channels * g.inner, value);
  const [mean, variance] = [cpu.alloc(dtype, g.channels), cpu.alloc(dtype, g.channels)];
  cpu.kernels.moments(x, g, { mean, variance });
  return { x: x.view, mean: mean.view, variance: variance.view };
}

const geometry = (outer: number, channels: number, inner: number): Geometry => ({ outer, channels, inner });
const name = ({ outer, channels, inner }: Geometry) => `${outer}x${channels}x${inner}`;

/** One run; runs of several blocks; blocks of several runs; channels-last with and without a remainder; one column. */
const LAYOUTS = [
  geometry(1, 1, 20_000),
  geometry(3, 2, 5_000),
  geometry(300, 2, 49),
  geometry(9_000, 6, 1),
  geometry(9_000, 1, 1),
];

describe.each(DTYPES)("moments in %s", (dtype) => {
  const u = UNIT[dtype];

  /**
   * Compares one channel with sums in twice the precision. Returns [error of mean, error of variance] as fractions of
   * the bounds of N-2.
   */
  function ratios(x: ArrayLike<number>, indices: number[], gotMean: number, gotVariance: number): [number, number] {
    const m = indices.length;
    const shift = x[indices[0] as number] as number;
    const offset = exactSum(indices.map((i) => (x[i] as number) - shift)) / m;
    const deviations = indices.map((i) => (x[i] as number) - shift - offset);
    const D = deviations.reduce((most, d) => Math.max(most, Math.abs(d)), 0);
    const variance = exactSum(deviations.map((d) => d * d)) / m - (exactSum(deviations) / m) ** 2;
    const S = (40 + Math.log2(m)) * u;
    const meanBound = u * Math.abs(shift + offset) + (2 * S + 3 * u) * D;
    const meanError = Math.abs(gotMean - shift - offset);
    return [meanError / meanBound, Math.abs(gotVariance - variance) / ((S + 4 * u) * (variance + meanBound ** 2))];
  }

  it.each([0, 1e3, 1e6])("meet N-2 with room at |mean| / std = %d, in every layout", async (offset) => {
    for (const g of LAYOUTS) {
      const normal = normals(1);
      const { x, mean, variance } = await momentsOf(dtype, g, () => normal() + offset);
      for (let c = 0; c < g.channels; c++) {
        const found = ratios(x, indicesOf(g, c), mean[c] as number, variance[c] as number);
        expect(Math.max(...found), `${name(g)} channel ${c}`).toBeLessThanOrEqual(1);
      }
    }
  });

  // The worst case of a shift by the first value: that value is further from the mean than all others together.
  it.each([geometry(1, 1, 2 ** 20), geometry(2 ** 18, 4, 1)])(
    "meet N-2 where a channel's first value is an outlier of 1e6 std ($outer x $channels x $inner)",
    async (g) => {
      const normal = normals(2);
      const { x, mean, variance } = await momentsOf(dtype, g, (i) => (i < g.channels ? 1e6 : normal()));
      for (let c = 0; c < g.channels; c++) {
        const found = ratios(x, indicesOf(g, c), mean[c] as number, variance[c] as number);
        expect(Math.max(...found), `channel ${c}`).toBeLessThanOrEqual(1);
      }
    },
  );

  // Squares of 1 among squares below their last bit: unless accumulators are short, every small square is lost.
  it("meet N-2 where most squares are small beside a few", async () => {
    for (const g of [...LAYOUTS, geometry(3_000, 2, 7), geometry(200, 2, 127)]) {
      const indices = indicesOf(g, 0);
      const places = new Map(indices.map((at, k) => [at, k]));
      const value = (i: number) => {
        const k = places.get(i) ?? 0;
        return (k % 2 ? -1 : 1) * (k < 2 ? 1 : Math.sqrt(0.9 * u));
      };
      const { x, mean, variance } = await momentsOf(dtype, g, value);
      const found = ratios(x, indices, mean[0] as number, variance[0] as number);
      expect(Math.max(...found), name(g)).toBeLessThanOrEqual(1);
    }
  });

  it("of a constant channel are the constant and 0, in every layout", async () => {
    for (const g of LAYOUTS) {
      const { x, mean, variance } = await momentsOf(dtype, g, () => 0.1);
      for (let c = 0; c < g.channels; c++) expect([mean[c], variance[c]], name(g)).toEqual([x[0], 0]);
    }
  });

  it("of exact-sum data are exact, a mean of 0 too (N-7)", async () => {
    for (const g of LAYOUTS) {
      const m = g.outer * g.inner;
      const indices = indicesOf(g, 0);
      // Repeats -3, -1, 1, 3: mean 0, variance 5, while no block's mean is 0.
      const places = new Map(indices.map((at, k) => [at, k]));
      const value = (i: number) => 2 * Math.floor((4 * (places.get(i) ?? 0)) / m) - 3;
      const { mean, variance } = await momentsOf(dtype, g, value);
      expect([mean[0], variance[0]], name(g)).toEqual([0, 5]);
    }
  });

  // The position of the value decides what it meets: a block's shift, a loop's body, its remainder, or the joining of
  // blocks.
  it.each([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN])(
    "pass %d on to their own channel alone, wherever it stands (BN-12)",
    async (bad) => {
      for (const g of LAYOUTS) {
        const indices = indicesOf(g, 0);
        for (const place of [0, 1, 5, Math.floor(indices.length / 2), indices.length - 1]) {
          const at = indices[place];
          const { mean, variance } = await momentsOf(dtype, g, (i) => (i === at ? bad : i % 7));
          expect([mean[0], variance[0]], `${name(g)} at ${place}`).toEqual([bad, Number.NaN]);
          for (let c = 1; c < g.channels; c++) {
            expect(Number.isFinite(mean[c]) && Number.isFinite(variance[c]), `${name(g)} channel ${c}`).toBe(true);
          }
        }
      }
    },
  );

  it("of infinities of both signs are NaN", async () => {
    for (const g of LAYOUTS) {
      const indices = indicesOf(g, 0);
      const ends = [indices[0], indices[indices.length - 1]];
      const { mean, variance } = await momentsOf(dtype, g, (i) =>
        ends.includes(i) ? (i === ends[0] ? 1 : -1) / 0 : 1,
      );
      expect([mean[0], variance[0]], name(g)).toEqual([Number.NaN, Number.NaN]);
    }
  });
});

it("a variance beyond float32 is stored as Infinity, and makes y 0", async () => {
  const cpu = await createCpu();
  const g = geometry(1, 1, 4);
  const x = bufferOf(cpu, "float32", 4, (i) => (i % 2 ? 1e38 : -1e38));
  const [mean, variance, y] = [cpu.alloc("float32", 1), cpu.alloc("float32", 1), cpu.alloc("float32", 4)];
  cpu.kernels.forward?.(x, g, { mean, variance }, null, 1e-5, null, y);
  expect([mean.view[0], variance.view[0]]).toEqual([0, Number.POSITIVE_INFINITY]);
  expect([...y.view].map(Math.abs)).toEqual([0, 0, 0, 0]);
});
