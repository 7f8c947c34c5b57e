import { withoutFused } from "@bn/conformance";
import type { Affine, Backend, DeviceBuffer, Geometry, HostArray, HostBuffer, Kernels } from "@bn/core";
import { createCpu } from "@bn/cpu";

export type Buffer = DeviceBuffer & HostBuffer;
type CpuBackend = Backend<Buffer>;
export type CpuKernels = Kernels<Buffer>;
export type Fused = Required<Omit<CpuKernels, "splitMoments">>;

/** A backend with one planted bug. Each is one that somebody has shipped, or nearly. */
export interface BackendMutant {
  readonly bug: string;
  /** The clause that is broken: a case of this clause must fail. */
  readonly clause: string;
  readonly create: () => Promise<Backend>;
}

/** cpu with some kernels replaced; without its fused ones, which would hide the replacement. */
export function kernels(
  bug: string,
  clause: string,
  replace: (real: CpuKernels) => Partial<CpuKernels>,
): BackendMutant {
  return {
    bug,
    clause,
    async create() {
      const cpu = withoutFused<Buffer>(await createCpu());
      return withParts(cpu, { kernels: { ...cpu.kernels, ...replace(cpu.kernels) } });
    },
  };
}

/** cpu with fused kernels, some of them replaced. */
export function fused(bug: string, clause: string, replace: (real: Fused) => Partial<CpuKernels>): BackendMutant {
  return {
    bug,
    clause,
    async create() {
      const cpu: CpuBackend = await createCpu();
      const { forward, backward } = cpu.kernels;
      const real = { ...withoutFused(cpu).kernels, forward, backward } as Fused;
      return withParts(cpu, { kernels: { ...real, ...replace(real) } });
    },
  };
}

/** cpu with some of its memory functions replaced. */
function memory(bug: string, clause: string, replace: (real: CpuBackend) => Partial<CpuBackend>): BackendMutant {
  return {
    bug,
    clause,
    async create() {
      const cpu: CpuBackend = await createCpu();
      return withParts(cpu, replace(cpu));
    },
  };
}

function withParts(backend: CpuBackend, parts: Partial<CpuBackend>): CpuBackend {
  return {
    name: backend.name,
    contractVersion: backend.contractVersion,
    supports: backend.supports,
    kernels: backend.kernels,
    get disposed() {
      return backend.disposed;
    },
    alloc: (dtype, length) => backend.alloc(dtype, length),
    owns: (buffer) => backend.owns(buffer),
    write: (target, source) => backend.write(target, source),
    read: (source, length) => backend.read(source, length),
    finish: () => backend.finish(),
    dispose: () => backend.dispose(),
    [Symbol.asyncDispose]: () => backend.dispose(),
    ...parts,
  };
}

/** A buffer that is not one: the same dtype, other values. */
function scratch(like: Buffer, values: HostArray): Buffer {
  return { dtype: like.dtype, length: values.length, view: values, dispose() {}, [Symbol.dispose]() {} };
}

function mapped(buffer: Buffer, length: number, value: (old: number, i: number) => number): Buffer {
  return scratch(buffer, buffer.view.slice(0, length).map(value));
}

export function each({ outer, channels, inner }: Geometry, visit: (i: number, c: number) => void): void {
  for (let i = 0; i < outer * channels * inner; i++) visit(i, Math.floor(i / inner) % channels);
}

export const fround = Math.fround;
export const at = (buffer: Buffer, i: number): number => buffer.view[i] as number;
export const gammaAt = (affine: Affine<Buffer> | null, c: number): number => (affine ? at(affine.gamma, c) : 1);
export const betaAt = (affine: Affine<Buffer> | null, c: number): number => (affine?.beta ? at(affine.beta, c) : 0);

const moments: readonly BackendMutant[] = [
  kernels("unbiased variance", "K-1", (real) => ({
    moments(x, g, out) {
      real.moments(x, g, out);
      const m = g.outer * g.inner;
      for (let c = 0; c < g.channels; c++) out.variance.view[c] = at(out.variance, c) * (m / Math.max(m - 1, 1));
    },
  })),
  kernels("E[x^2] - E[x]^2 in float32", "BN-5", () => ({ moments: oneSweep })),
  kernels("a plain loop of float32 additions, about a rounded mean", "K-1", () => ({ moments: plainLoops })),
  kernels("statistics of each image, not of the batch", "K-1", (real) => ({
    moments: (x, g, out) => real.moments(x, { ...g, outer: Math.min(g.outer, 1) }, out),
  })),
  kernels("NaN counted as 0", "BN-12", (real) => ({
    moments(x, g, out) {
      const length = g.outer * g.channels * g.inner;
      real.moments(
        mapped(x, length, (value) => (Number.isNaN(value) ? 0 : value)),
        g,
        out,
      );
    },
  })),
];

function oneSweep(x: Buffer, g: Geometry, out: { mean: Buffer; variance: Buffer }): void {
  const m = g.outer * g.inner;
  const [sum, squares] = [new Float32Array(g.channels), new Float32Array(g.channels)];
  each(g, (i, c) => {
    sum[c] = (sum[c] as number) + at(x, i);
    squares[c] = (squares[c] as number) + fround(at(x, i) ** 2);
  });
  for (let c = 0; c < g.channels; c++) {
    const mean = fround((sum[c] as number) / m);
    out.mean.view[c] = mean;
    out.variance.view[c] = Math.max(0, fround(fround((squares[c] as number) / m) - fround(mean * mean)));
  }
}

function plainLoops(x: Buffer, g: Geometry, out: { mean: Buffer; variance: Buffer }): void {
  const m = g.outer * g.inner;
  const [sum, squares] = [new Float32Array(g.channels), new Float32Array(g.channels)];
  each(g, (i, c) => {
    sum[c] = (sum[c] as number) + at(x, i);
  });
  const mean = sum.map((value) => value / m);
  each(g, (i, c) => {
    squares[c] = (squares[c] as number) + fround(fround(at(x, i) - (mean[c] as number)) ** 2);
  });
  for (let c = 0; c < g.channels; c++) {
    out.mean.view[c] = mean[c] as number;
    out.variance.view[c] = (squares[c] as number) / m;
  }
}

const maps: readonly BackendMutant[] = [
  kernels("eps outside the root", "K-2", (real) => ({
    normalize(x, g, { mean, variance }, eps, affine, y) {
      const square = mapped(variance, g.channels, (v) => (Math.sqrt(v) + eps) ** 2);
      real.normalize(x, g, { mean, variance: square }, 0, affine, y);
    },
  })),
  kernels("eps 0 replaced by a default", "BN-5", (real) => ({
    normalize: (x, g, stats, eps, affine, y) => real.normalize(x, g, stats, eps || 1e-5, affine, y),
  })),
  kernels("the folded form x * A + B", "BN-5", () => ({
    normalize(x, g, { mean, variance }, eps, affine, y) {
      const a = Float32Array.from(
        { length: g.channels },
        (_, c) => gammaAt(affine, c) / Math.sqrt(at(variance, c) + eps),
      );
      const b = Float32Array.from(a, (value, c) => betaAt(affine, c) - fround(at(mean, c) * value));
      each(g, (i, c) => {
        y.view[i] = fround(at(x, i) * (a[c] as number)) + (b[c] as number);
      });
    },
  })),
  kernels("a negative variance taken for 0", "BN-6", (real) => ({
    normalize(x, g, { mean, variance }, eps, affine, y) {
      real.normalize(x, g, { mean, variance: mapped(variance, g.channels, (v) => Math.max(v, 0)) }, eps, affine, y);
    },
  })),
  kernels("beta forgotten", "K-2", (real) => ({
    normalize(x, g, stats, eps, affine, y) {
      real.normalize(x, g, stats, eps, affine && { gamma: affine.gamma, beta: null }, y);
    },
  })),
  kernels("channels found by i % channels in every layout", "K-2", (real) => ({
    normalize: (x, g, stats, eps, affine, y) =>
      real.normalize(x, { outer: g.outer * g.inner, channels: g.channels, inner: 1 }, stats, eps, affine, y),
  })),
  kernels("one element written past the geometry", "K-2", (real) => ({
    normalize(x, g, stats, eps, affine, y) {
      real.normalize(x, g, stats, eps, affine, y);
      y.view[g.outer * g.channels * g.inner] = 7;
    },
  })),
  kernels("float64 computed in float32", "K-2", (real) => ({
    normalize(x, g, stats, eps, affine, y) {
      real.normalize(x, g, stats, eps, affine, y);
      for (let i = 0; i < g.outer * g.channels * g.inner; i++) y.view[i] = fround(at(y, i));
    },
  })),
];

const gradients: readonly BackendMutant[] = [
  kernels("dx without the mean's term", "K-4", (real) => ({
    gradNormalize(dy, x, g, stats, eps, affine, sums, m, dx) {
      const none = sums && { dy: mapped(sums.dy, g.channels, () => 0), dyXhat: sums.dyXhat };
      real.gradNormalize(dy, x, g, stats, eps, affine, none, m, dx);
    },
  })),
  kernels("dx without the variance's term", "K-4", (real) => ({
    gradNormalize(dy, x, g, stats, eps, affine, sums, m, dx) {
      const none = sums && { dy: sums.dy, dyXhat: mapped(sums.dyXhat, g.channels, () => 0) };
      real.gradNormalize(dy, x, g, stats, eps, affine, none, m, dx);
    },
  })),
  kernels("dx without gamma", "K-4", (real) => ({
    gradNormalize: (dy, x, g, stats, eps, _affine, sums, m, dx) =>
      real.gradNormalize(dy, x, g, stats, eps, null, sums, m, dx),
  })),
  kernels("adds into dx", "K-4", (real) => ({
    gradNormalize(dy, x, g, stats, eps, affine, sums, m, dx) {
      const before = dx.view.slice();
      real.gradNormalize(dy, x, g, stats, eps, affine, sums, m, dx);
      if (dx !== dy) each(g, (i) => (dx.view[i] = at(dx, i) + (before[i] as number)));
    },
  })),
  kernels("x^ from a top that a later layer has overwritten", "L-5", (real) => {
    const forwards = new WeakMap<Buffer, { y: Buffer; affine: Affine<Buffer> | null }>();
    return {
      normalize(x, g, stats, eps, affine, y) {
        forwards.set(x, { y, affine });
        real.normalize(x, g, stats, eps, affine, y);
      },
      gradSums(dy, x, g, stats, eps, sums, grad) {
        const { y = x, affine = null } = forwards.get(x) ?? {};
        const channel = (i: number) => Math.floor(i / g.inner) % g.channels;
        const xhat = mapped(y, g.outer * g.channels * g.inner, (value, i) => {
          return (value - betaAt(affine, channel(i))) / gammaAt(affine, channel(i));
        });
        const [mean, variance] = [
          mapped(stats.mean, g.channels, () => 0),
          mapped(stats.variance, g.channels, () => 1 - eps),
        ];
        real.gradSums(dy, xhat, g, { mean, variance }, eps, sums, grad);
      },
    };
  }),
  kernels("gradients of gamma and beta overwritten", "K-3", (real) => ({
    gradSums(dy, x, g, stats, eps, sums, grad) {
      if (grad) real.fill(g.channels, 0, grad.gamma);
      if (grad?.beta) real.fill(g.channels, 0, grad.beta);
      real.gradSums(dy, x, g, stats, eps, sums, grad);
    },
  })),
  kernels("Scale's gradients overwritten, Caffe's quirk", "K-6", (real) => ({
    scaleSums(dy, x, g, dGamma, dBeta) {
      if (dGamma) real.fill(g.channels, 0, dGamma);
      real.scaleSums(dy, x, g, dGamma, dBeta);
    },
  })),
];

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
