import type { HostArray } from "@bn/core";
import { gradients } from "./backward-mutants.ts";
import { maps, moments } from "./forward-mutants.ts";
import { at, type BackendMutant, type Buffer, type CpuKernels, fused, kernels, mapped, memory } from "./plant.ts";

const statistics: readonly BackendMutant[] = [
  kernels("no m/(m-1)", "BN-7", (real) => ({
    movingAverage: (channels, stats, average) =>
      real.movingAverage(channels, stats, { ...average, running: average.running, correction: 1 }),
  })),
  kernels("a fresh average in place of the sum", "K-7", (real) => ({
    movingAverage(channels, { mean, variance }, { running, fraction, correction }) {
      const fresh = (buffer: Buffer) => mapped(buffer, channels, (value) => (1 - fraction) * value);
      real.movingAverage(channels, { mean: fresh(mean), variance: fresh(variance) }, { running, fraction, correction });
    },
  })),
  kernels("the fraction given to the new value", "K-7", (real) => ({
    movingAverage: (channels, stats, { running, fraction, correction }) =>
      real.movingAverage(channels, stats, { running, fraction: 1 - fraction, correction }),
  })),
  kernels("the factor ignored (BVLC/caffe#4885)", "K-8", (real) => ({
    globalStats(channels, running, stats) {
      real.copy(channels, running.mean, stats.mean);
      real.copy(channels, running.variance, stats.variance);
    },
  })),
  kernels("factor 0 divided by", "K-8", (real) => ({
    globalStats(channels, running, stats) {
      real.globalStats(channels, running, stats);
      if (at(running.factor, 0) === 0) real.fill(channels, Number.NaN, stats.mean);
    },
  })),
];

const fusion: readonly BackendMutant[] = [
  fused("the fused forward forgets the moving average", "BN-7", (real) => ({
    forward: (x, g, stats, _average, eps, affine, y) => real.forward(x, g, stats, null, eps, affine, y),
  })),
  fused("the fused forward leaves no statistics for backward", "K-10", (real) => ({
    forward(x, g, stats, average, eps, affine, y) {
      real.forward(x, g, stats, average, eps, affine, y);
      real.fill(g.channels, 0, stats.mean);
    },
  })),
  fused("the fused backward reads dx where it has overwritten dy", "K-10", (real) => ({
    backward(dy, x, g, stats, eps, affine, sums, grad, m, dx) {
      real.gradSums(dy, x, g, stats, eps, sums, null);
      real.gradNormalize(dy, x, g, stats, eps, affine, sums, m, dx);
      if (grad) real.gradSums(dx, x, g, stats, eps, sums, grad);
    },
  })),
];

const memories: readonly BackendMutant[] = [
  memory("memory that is not zero", "K-11", (real) => ({
    alloc(dtype, length) {
      const buffer = real.alloc(dtype, length);
      buffer.view.fill(3);
      return buffer;
    },
  })),
  memory("write without copy", "K-11", (real) => {
    const pending = new Map<Buffer, HostArray>();
    const settle = () => {
      for (const [target, source] of pending) real.write(target, source);
      pending.clear();
    };
    return {
      write: (target, source) => void pending.set(target, source),
      async read(source, length) {
        settle();
        return real.read(source, length);
      },
      kernels: new Proxy(real.kernels, {
        get(kernels, name: keyof CpuKernels) {
          settle();
          return Reflect.get(kernels, name);
        },
      }),
    };
  }),
  memory("a buffer known by its looks", "K-11", () => ({
    owns: (buffer: unknown): buffer is Buffer => typeof buffer === "object" && buffer !== null && "dtype" in buffer,
  })),
  memory("a buffer owned for ever", "K-11", (real) => {
    const made = new Set<unknown>();
    return {
      alloc(dtype, length) {
        const buffer = real.alloc(dtype, length);
        made.add(buffer);
        return buffer;
      },
      owns: (buffer: unknown): buffer is Buffer => made.has(buffer),
    };
  }),
  memory("write to whatever has a view", "K-11", () => ({ write: (target, source) => target.view.set(source) })),
  memory("read gives the memory itself", "K-11", () => ({
    read: async (source, length) => source.view.subarray(0, length) as HostArray,
  })),
  memory("read gives all memory that a shrunk blob keeps", "B-4", (real) => ({
    read: (source) => real.read(source, source.length),
  })),
  kernels("in place without a copy of bottom", "L-4", () => ({ copy() {} })),
];

export const backendMutants: readonly BackendMutant[] = [
  ...moments,
  ...maps,
  ...gradients,
  ...statistics,
  ...fusion,
  ...memories,
];
