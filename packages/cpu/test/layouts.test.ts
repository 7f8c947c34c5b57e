import type { Backend, Dtype, Geometry } from "@bn/core";
import { describe, expect, it } from "vitest";
import { type CpuBuffer, createCpu } from "../src/index.ts";
import { bufferOf, DTYPES, normals } from "./support.ts";

const EPS = Math.fround(1e-5);

/** The output of every map for seeded input, in the order [outer][inner] of each channel, whatever the layout. */
function maps(cpu: Backend<CpuBuffer>, dtype: Dtype, g: Geometry, at: (channel: number, k: number) => number) {
  const { channels } = g;
  const m = g.outer * g.inner;
  const normal = normals(4);
  const values = (length: number) => Float64Array.from({ length }, () => normal());
  const scatter = (source: Float64Array) => {
    const buffer = cpu.alloc(dtype, channels * m);
    for (let c = 0; c < channels; c++) for (let k = 0; k < m; k++) buffer.view[at(c, k)] = source[c * m + k] as number;
    return buffer;
  };
  const [x, dy] = [scatter(values(channels * m)), scatter(values(channels * m))];
  const perChannel = () => bufferOf(cpu, dtype, channels, normal);
  const positive = () => bufferOf(cpu, dtype, channels, () => 0.1 + Math.abs(normal()));
  const stats = { mean: perChannel(), variance: positive() };
  const affine = { gamma: perChannel(), beta: perChannel() };
  const sums = { dy: perChannel(), dyXhat: perChannel() };
  const { kernels } = cpu;
  const outputs: CpuBuffer[] = [];
  const run = (kernel: (y: CpuBuffer) => void) => {
    const y = cpu.alloc(dtype, channels * m);
    kernel(y);
    outputs.push(y);
  };
  for (const a of [affine, { gamma: affine.gamma, beta: null }, null]) {
    run((y) => kernels.normalize(x, g, stats, EPS, a, y));
    run((y) => kernels.gradNormalize(dy, x, g, stats, EPS, a, sums, g.outer * g.inner, y));
    run((y) => kernels.gradNormalize(dy, x, g, stats, EPS, a, null, 1, y));
    if (a) run((y) => kernels.scale(x, g, a, y));
  }
  return outputs.map(({ view }) =>
    Array.from({ length: channels * m }, (_, i) => view[at(Math.floor(i / m), i % m)] as number),
  );
}

describe.each(DTYPES)("layouts in %s", (dtype) => {
  // Sizes below, at and past a block of channels, and below and past a tile of rows, with all remainders of groups of
  // 2, 4 and 8.
  it.each([
    [2, 3],
    [5, 7],
    [64, 65],
    [1024, 9],
    [1030, 5],
    [3, 3000],
  ])("%d channels of %d values: channels-last gives what planes give, to the last bit", async (channels, m) => {
    const cpu = await createCpu();
    const planes = maps(cpu, dtype, { outer: 1, channels, inner: m }, (c, k) => c * m + k);
    const last = maps(cpu, dtype, { outer: m, channels, inner: 1 }, (c, k) => k * channels + c);
    expect(last).toEqual(planes);
    const rows = maps(cpu, dtype, { outer: m, channels, inner: 2 }, (c, k) => ((k >> 1) * channels + c) * 2 + (k & 1));
    for (const [i, output] of rows.entries()) expect(output.some(Number.isNaN), `output ${i}`).toBe(false);
  });

  it("in place and out of place agree, and nothing past the geometry is touched", async () => {
    const cpu = await createCpu();
    const { kernels } = cpu;
    for (const g of [
      { outer: 3, channels: 2, inner: 13 },
      { outer: 13, channels: 6, inner: 1 },
    ]) {
      const count = g.outer * g.channels * g.inner;
      const fresh = (seed: number) => {
        const normal = normals(seed);
        return bufferOf(cpu, dtype, count + 9, normal);
      };
      const perChannel = (seed: number) => bufferOf(cpu, dtype, g.channels, normals(seed));
      const affine = { gamma: perChannel(5), beta: perChannel(6) };
      const [stats, sums] = [
        { mean: cpu.alloc(dtype, g.channels), variance: cpu.alloc(dtype, g.channels) },
        { dy: cpu.alloc(dtype, g.channels), dyXhat: cpu.alloc(dtype, g.channels) },
      ];
      const cases: [string, (from: CpuBuffer, to: CpuBuffer) => void][] = [
        ["forward", (from, to) => kernels.forward?.(from, g, stats, null, EPS, affine, to)],
        ["scale", (from, to) => kernels.scale(from, g, affine, to)],
        [
          "backward",
          (from, to) => kernels.backward?.(from, fresh(8), g, stats, EPS, affine, sums, null, g.outer * g.inner, to),
        ],
      ];
      for (const [what, kernel] of cases) {
        const [source, target, both] = [fresh(7), fresh(9), fresh(7)];
        const beyond = target.view.slice(count);
        kernel(source, target);
        kernel(both, both);
        expect(target.view.slice(0, count), what).toEqual(both.view.slice(0, count));
        expect(target.view.slice(count), what).toEqual(beyond);
        expect(source.view, what).toEqual(fresh(7).view);
      }
    }
  });

  it("the fused kernels leave what the separate ones leave (K-10)", async () => {
    const cpu = await createCpu();
    const { kernels } = cpu;
    for (const g of [
      { outer: 5, channels: 3, inner: 49 },
      { outer: 100, channels: 7, inner: 1 },
    ]) {
      const count = g.outer * g.channels * g.inner;
      const run = (fused: boolean) => {
        const normal = normals(10);
        const [x, dy] = [bufferOf(cpu, dtype, count, normal), bufferOf(cpu, dtype, count, normal)];
        const [y, dx] = [cpu.alloc(dtype, count), cpu.alloc(dtype, count)];
        const each = () => bufferOf(cpu, dtype, g.channels, normal);
        const stats = { mean: each(), variance: each() };
        const average = {
          running: { mean: each(), variance: each(), factor: bufferOf(cpu, dtype, 1, () => 3) },
          fraction: Math.fround(0.999),
          correction: 1.25,
        };
        const [affine, sums, grad] = [
          { gamma: each(), beta: each() },
          { dy: each(), dyXhat: each() },
          { gamma: each(), beta: each() },
        ];
        if (fused) {
          kernels.forward?.(x, g, stats, average, EPS, affine, y);
          kernels.backward?.(dy, x, g, stats, EPS, affine, sums, grad, g.outer * g.inner, dx);
        } else {
          kernels.moments(x, g, stats);
          kernels.movingAverage(g.channels, stats, average);
          kernels.normalize(x, g, stats, EPS, affine, y);
          kernels.gradSums(dy, x, g, stats, EPS, sums, grad);
          kernels.gradNormalize(dy, x, g, stats, EPS, affine, sums, g.outer * g.inner, dx);
        }
        const { mean, variance, factor } = average.running;
        return [
          stats.mean,
          stats.variance,
          mean,
          variance,
          factor,
          sums.dy,
          sums.dyXhat,
          grad.gamma,
          grad.beta,
          y,
          dx,
        ].map(({ view }) => view);
      };
      expect(run(true)).toEqual(run(false));
    }
  });
});
