import type { HostBuffer, Kernels } from "@bn/core";
import type { Mutant } from "../generated/generate.ts";
import type { HostBackend, HostKernels } from "../generated/operands.ts";

/** A kernel that calls the real one with other arguments. */
interface CallFault {
  readonly bug: string;
  readonly kernel: keyof HostKernels & Mutant["kernel"];
  plant(real: Kernels<HostBuffer>, backend: HostBackend): Partial<HostKernels>;
}

const first = (buffer: HostBuffer) => buffer.view[0] as number;
const zeros = (buffer: HostBuffer, n: number) => buffer.view.subarray(0, n).every((value) => value === 0);

/** `work`, with other values in a buffer that it only reads. */
function having(buffer: HostBuffer, change: (value: number) => number, work: () => void): void {
  const before = buffer.view.slice();
  buffer.view.set(before.map(change));
  work();
  buffer.view.set(before);
}

const sizeOf = (g: { outer: number; channels: number; inner: number }) => g.outer * g.channels * g.inner;

const REDUCTIONS: readonly CallFault[] = [
  {
    bug: "a variance below 1e-10 taken for 0",
    kernel: "moments",
    plant: (real) => ({
      moments(x, g, out) {
        real.moments(x, g, out);
        for (let c = 0; c < g.channels; c++) if ((out.variance.view[c] as number) < 1e-10) out.variance.view[c] = 0;
      },
    }),
  },
  {
    bug: "a constant channel gets a tiny variance",
    kernel: "moments",
    plant: (real) => ({
      moments(x, g, out) {
        real.moments(x, g, out);
        for (let c = 0; c < g.channels; c++)
          if (out.variance.view[c] === 0) out.variance.view[c] = 1e-7 * Math.abs(out.mean.view[c] as number);
      },
    }),
  },
  {
    bug: "squares about the mean as float32 has it",
    kernel: "moments",
    plant: (real) => ({
      moments(x, g, out) {
        real.moments(x, g, out);
        for (let c = 0; c < g.channels; c++) {
          const mean = out.mean.view[c] as number;
          out.variance.view[c] = (out.variance.view[c] as number) + (mean - Math.fround(mean)) ** 2;
        }
      },
    }),
  },
  {
    bug: "m in 16 bits",
    kernel: "moments",
    plant: (real) => ({
      moments(x, g, out) {
        real.moments(x, g, out);
        const m = g.outer * g.inner;
        for (let c = 0; c < g.channels; c++)
          if (m > 65_535) out.mean.view[c] = ((out.mean.view[c] as number) * m) / 65_535;
      },
    }),
  },
  {
    bug: "a mean below 1e-20 taken for 0",
    kernel: "moments",
    plant: (real) => ({
      moments(x, g, out) {
        real.moments(x, g, out);
        for (let c = 0; c < g.channels; c++) if (Math.abs(out.mean.view[c] as number) < 1e-20) out.mean.view[c] = 0;
      },
    }),
  },
  {
    bug: "one value per channel has a variance",
    kernel: "moments",
    plant: (real) => ({
      moments(x, g, out) {
        real.moments(x, g, out);
        if (g.outer * g.inner === 1) out.variance.view.fill(1e-3, 0, g.channels);
      },
    }),
  },
  {
    bug: "a gradient of zeros leaves the sums",
    kernel: "gradSums",
    plant: (real) => ({
      gradSums(dy, x, g, ...rest) {
        if (!zeros(dy, sizeOf(g))) real.gradSums(dy, x, g, ...rest);
      },
    }),
  },
  {
    bug: "without beta's gradient, gamma's is not added",
    kernel: "gradSums",
    plant: (real) => ({
      gradSums: (dy, x, g, stats, eps, sums, grad) =>
        real.gradSums(dy, x, g, stats, eps, sums, grad?.beta ? grad : null),
    }),
  },
  {
    bug: "gradients of more than 128 channels overwritten",
    kernel: "gradSums",
    plant: (real) => ({
      gradSums(dy, x, g, stats, eps, sums, grad) {
        if (grad && g.channels > 128) grad.gamma.view.fill(0, 0, g.channels);
        real.gradSums(dy, x, g, stats, eps, sums, grad);
      },
    }),
  },
  {
    bug: "sums rounded to float32",
    kernel: "gradSums",
    plant: (real) => ({
      gradSums(dy, x, g, stats, eps, sums, grad) {
        real.gradSums(dy, x, g, stats, eps, sums, grad);
        sums.dyXhat.view.set(sums.dyXhat.view.slice(0, g.channels).map(Math.fround));
      },
    }),
  },
  {
    bug: "sums kept within 1e6",
    kernel: "gradSums",
    plant: (real) => ({
      gradSums(dy, x, g, stats, eps, sums, grad) {
        real.gradSums(dy, x, g, stats, eps, sums, grad);
        sums.dy.view.set(sums.dy.view.slice(0, g.channels).map((value) => Math.min(value, 1e6)));
      },
    }),
  },
  {
    bug: "without beta's gradient, gamma's is not added",
    kernel: "scaleSums",
    plant: (real) => ({
      scaleSums: (dy, x, g, dGamma, dBeta) => real.scaleSums(dy, x, g, dBeta ? dGamma : null, dBeta),
    }),
  },
  {
    bug: "without gamma's gradient, beta's is not added",
    kernel: "scaleSums",
    plant: (real) => ({
      scaleSums: (dy, x, g, dGamma, dBeta) => real.scaleSums(dy, x, g, dGamma, dGamma ? dBeta : null),
    }),
  },
  {
    bug: "what is above 1e3 is not added to",
    kernel: "scaleSums",
    plant: (real) => ({
      scaleSums(dy, x, g, dGamma, dBeta) {
        const before = dGamma?.view.slice() ?? [];
        real.scaleSums(dy, x, g, dGamma, dBeta);
        for (let c = 0; dGamma && c < g.channels; c++)
          if ((before[c] as number) > 1e3) dGamma.view[c] = before[c] as number;
      },
    }),
  },
];

const MAPS: readonly CallFault[] = [
  ...[1e-8, 1e-5].map(
    (least): CallFault => ({
      bug: `eps at least ${least}`,
      kernel: "normalize",
      plant: (real) => ({
        normalize: (x, g, stats, eps, ...rest) => real.normalize(x, g, stats, Math.max(eps, least), ...rest),
      }),
    }),
  ),
  {
    bug: "without affine, what the last affine was",
    kernel: "normalize",
    plant(real) {
      let last: Parameters<typeof real.normalize>[4] = null;
      return {
        normalize(x, g, stats, eps, affine, y) {
          const stale = last && last.gamma.length >= g.channels && last.gamma.dtype === x.dtype ? last : null;
          real.normalize(x, g, stats, eps, affine ?? stale, y);
          last = affine && { gamma: keep(affine.gamma), beta: affine.beta && keep(affine.beta) };
        },
      };
    },
  },
  {
    bug: "gamma without beta not applied",
    kernel: "normalize",
    plant: (real) => ({
      normalize: (x, g, stats, eps, affine, y) => real.normalize(x, g, stats, eps, affine?.beta ? affine : null, y),
    }),
  },
  {
    bug: "beta forgotten where gamma is 0",
    kernel: "normalize",
    plant: (real) => ({
      normalize(x, g, stats, eps, affine, y) {
        real.normalize(x, g, stats, eps, affine, y);
        for (let i = 0; affine && i < sizeOf(g); i++)
          if (affine.gamma.view[Math.floor(i / g.inner) % g.channels] === 0) y.view[i] = 0;
      },
    }),
  },
  {
    bug: "dx left where dy is all zero",
    kernel: "gradNormalize",
    plant: (real) => ({
      gradNormalize(dy, x, g, ...rest) {
        if (!zeros(dy, sizeOf(g))) real.gradNormalize(dy, x, g, ...rest);
      },
    }),
  },
  ...[0, 1000].map(
    (above): CallFault => ({
      bug: `divided by m - 1, m above ${above}`,
      kernel: "gradNormalize",
      plant: (real) => ({
        gradNormalize: (dy, x, g, stats, eps, affine, sums, m, dx) =>
          real.gradNormalize(dy, x, g, stats, eps, affine, sums, m > above ? Math.max(m - 1, 1) : m, dx),
      }),
    }),
  ),
  {
    bug: "no sums where m is 1",
    kernel: "gradNormalize",
    plant: (real) => ({
      gradNormalize: (dy, x, g, stats, eps, affine, sums, m, dx) =>
        real.gradNormalize(dy, x, g, stats, eps, affine, m === 1 ? null : sums, m, dx),
    }),
  },
];

const STATISTICS: readonly CallFault[] = [
  {
    bug: "channels beyond 128 forgotten",
    kernel: "movingAverage",
    plant: (real) => ({
      movingAverage: (channels, ...rest) => real.movingAverage(Math.min(channels, 129), ...rest),
    }),
  },
  {
    bug: "a fraction of 0 taken for 0.999",
    kernel: "movingAverage",
    plant: (real) => ({
      movingAverage: (channels, stats, average) =>
        real.movingAverage(channels, stats, { ...average, fraction: average.fraction || 0.999 }),
    }),
  },
  {
    bug: "the factor kept within 2.5",
    kernel: "movingAverage",
    plant: (real) => ({
      movingAverage(channels, stats, average) {
        real.movingAverage(channels, stats, average);
        average.running.factor.view[0] = Math.min(first(average.running.factor), 2.5);
      },
    }),
  },
  {
    bug: "the correction applied to the old variance too",
    kernel: "movingAverage",
    plant: (real) => ({
      movingAverage(channels, stats, average) {
        const { variance } = average.running;
        variance.view.set(variance.view.slice(0, channels).map((value) => value * average.correction));
        real.movingAverage(channels, stats, average);
      },
    }),
  },
  {
    bug: "a factor below 1 taken for 1",
    kernel: "globalStats",
    plant: (real) => ({
      globalStats: (channels, running, stats) =>
        having(
          running.factor,
          (v) => (v > 0 && v < 1 ? 1 : v),
          () => real.globalStats(channels, running, stats),
        ),
    }),
  },
  {
    bug: "a negative factor taken for 0",
    kernel: "globalStats",
    plant: (real) => ({
      globalStats: (channels, running, stats) =>
        having(
          running.factor,
          (v) => Math.max(v, 0),
          () => real.globalStats(channels, running, stats),
        ),
    }),
  },
  {
    bug: "channels beyond 255 left",
    kernel: "globalStats",
    plant: (real) => ({
      globalStats: (channels, running, stats) => real.globalStats(Math.min(channels, 256), running, stats),
    }),
  },
  {
    bug: "no average beyond 64 channels",
    kernel: "forward",
    plant: (real) => ({
      forward: (x, g, stats, average, ...rest) =>
        real.forward?.(x, g, stats, g.channels > 64 ? null : average, ...rest),
    }),
  },
  {
    bug: "the average of the first call alone, in the same buffers",
    kernel: "forward",
    plant(real) {
      let last: HostBuffer | null = null;
      return {
        forward(x, g, stats, average, ...rest) {
          real.forward?.(x, g, stats, average?.running.mean === last ? null : average, ...rest);
          last = average?.running.mean ?? null;
        },
      };
    },
  },
  {
    bug: "sums unwritten where no gradient is asked for",
    kernel: "backward",
    plant: (real) => ({
      backward(dy, x, g, stats, eps, affine, sums, grad, m, dx) {
        const before = sums.dy.view.slice();
        real.backward?.(dy, x, g, stats, eps, affine, sums, grad, m, dx);
        if (!grad) sums.dy.view.set(before);
      },
    }),
  },
];

/** A copy that outlives its buffer. Kernels that use host memory accept it as a buffer. */
function keep({ dtype, length, view }: HostBuffer): HostBuffer {
  return { dtype, length, view: view.slice(), dispose() {}, [Symbol.dispose]() {} };
}

/** Mistakes about absent operands, about numbers, and about state left by an earlier call. */
export function callMutants(): Mutant[] {
  return [...REDUCTIONS, ...MAPS, ...STATISTICS].map(({ bug, kernel, plant }) => ({
    id: `${kernel}: ${bug}`,
    kind: bug,
    kernel,
    hint: { dimension: "channels", above: 16 },
    dtype: null,
    plant: (backend) => withKernels(backend.kernels, plant(boundTo(backend.kernels), backend)),
  }));
}

function boundTo<K extends object>(kernels: K): K {
  return withKernels(kernels, {});
}

/** The kernels, some of them replaced. */
export function withKernels<K extends object>(kernels: K, parts: Partial<K>): K {
  return new Proxy(kernels, {
    get(target, name) {
      const value: unknown = Reflect.get(Object.hasOwn(parts, name) ? parts : target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
