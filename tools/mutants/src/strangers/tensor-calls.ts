import type { HostBuffer } from "@bn/core";
import type { CallFault } from "./calls.ts";

const zeros = (buffer: HostBuffer, n: number) => buffer.view.subarray(0, n).every((value) => value === 0);
const sizeOf = (g: { outer: number; channels: number; inner: number }) => g.outer * g.channels * g.inner;

/** A copy that outlives its buffer. Kernels that use host memory accept it as a buffer. */
function keep({ dtype, length, view }: HostBuffer): HostBuffer {
  return { dtype, length, view: view.slice(), dispose() {}, [Symbol.dispose]() {} };
}

export const REDUCTIONS: readonly CallFault[] = [
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

export const MAPS: readonly CallFault[] = [
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
