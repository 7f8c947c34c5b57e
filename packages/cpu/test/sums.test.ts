import { describe, expect, it } from "vitest";
import { createCpu } from "../src/index.ts";
import { bufferOf, DTYPES, exactSum, indicesOf, normals, UNIT } from "./support.ts";

// Widths whose remainder goes to a single accumulator: where rows are short it must not add up many terms.
const INNERS = [1, 2, 3, 7, 15, 49, 119, 120, 127, 5000];

describe.each(DTYPES)("gradSums and scaleSums in %s", (dtype) => {
  const u = UNIT[dtype];

  it.each(INNERS)("meet N-1 with inner = %d", async (inner) => {
    const g = { outer: Math.ceil(20_000 / inner), channels: 3, inner };
    const { kernels, alloc } = await createCpu();
    const cpu = await createCpu();
    const normal = normals(3);
    // All terms have the same sign, so that roundings cannot cancel.
    const positive = () => 1 + Math.abs(normal());
    const count = g.outer * g.channels * inner;
    const [dy, x] = [bufferOf(cpu, dtype, count, positive), bufferOf(cpu, dtype, count, positive)];
    const each = (value: number) => bufferOf(cpu, dtype, g.channels, () => value);
    const [gamma, beta, zero, one] = [each(3), each(4), each(0), each(1)];
    kernels.scaleSums(dy, x, g, gamma, beta);
    // With mean 0 and variance 1, x^ equals x, so both kernels have the same two sums.
    const sums = { dy: alloc(dtype, g.channels), dyXhat: alloc(dtype, g.channels) };
    kernels.gradSums(dy, x, g, { mean: zero, variance: one }, 0, sums, null);
    for (let c = 0; c < g.channels; c++) {
      const indices = indicesOf(g, c);
      const S = (40 + Math.log2(indices.length)) * u;
      const products = indices.map((i) => (dy.view[i] as number) * (x.view[i] as number));
      const [sumDy, sumDyX] = [exactSum(indices.map((i) => dy.view[i] as number)), exactSum(products)];
      // The bound covers the sum's own rounding and that of adding it to the previous contents.
      expect(Math.abs((sums.dy.view[c] as number) - sumDy)).toBeLessThanOrEqual(S * sumDy + u * sumDy);
      expect(Math.abs((sums.dyXhat.view[c] as number) - sumDyX)).toBeLessThanOrEqual((S + 4 * u) * sumDyX);
      expect(Math.abs((beta.view[c] as number) - 4 - sumDy)).toBeLessThanOrEqual(S * sumDy + 2 * u * (sumDy + 4));
      expect(Math.abs((gamma.view[c] as number) - 3 - sumDyX)).toBeLessThanOrEqual(S * sumDyX + 2 * u * (sumDyX + 3));
    }
  });

  // Every small term that is added to the 1 is lost: unless accumulators are short, the error is the number of terms.
  it.each<[number, number]>([[1, 1], ...INNERS.map((inner): [number, number] => [3, inner])])(
    "meet N-1 with a 1 among many terms below its last bit, %d channels with inner = %d",
    async (channels, inner) => {
      const cpu = await createCpu();
      const g = { outer: Math.ceil(20_000 / inner), channels, inner };
      const tiny = 0.9 * u;
      const dy = bufferOf(cpu, dtype, g.outer * channels * inner, (i) =>
        i < channels * inner && i % inner === 0 ? 1 : tiny,
      );
      const beta = cpu.alloc(dtype, channels);
      cpu.kernels.scaleSums(dy, dy, g, null, beta);
      const m = g.outer * inner;
      const sum = 1 + (m - 1) * (dy.view[dy.length - 1] as number);
      const bound = (40 + Math.log2(m)) * u * sum + u * sum;
      for (let c = 0; c < channels; c++) expect(Math.abs((beta.view[c] as number) - sum)).toBeLessThanOrEqual(bound);
    },
  );

  it("keep an infinity that compensated addition would turn into NaN", async () => {
    const cpu = await createCpu();
    for (const g of [
      { outer: 1, channels: 1, inner: 1000 },
      { outer: 1000, channels: 2, inner: 1 },
    ]) {
      const count = g.outer * g.channels * g.inner;
      const dy = bufferOf(cpu, dtype, count, (i) => (i === 4 ? Number.POSITIVE_INFINITY : 1));
      const x = bufferOf(cpu, dtype, count, () => 2);
      const [gamma, beta] = [cpu.alloc(dtype, g.channels), cpu.alloc(dtype, g.channels)];
      cpu.kernels.scaleSums(dy, x, g, gamma, beta);
      expect([gamma.view[0], beta.view[0]]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
      if (g.channels > 1) expect([gamma.view[1], beta.view[1]]).toEqual([2000, 1000]);
    }
  });
});
