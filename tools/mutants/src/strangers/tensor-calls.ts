import type { Affine, Geometry, HostBuffer, Sums } from "@bn/core";
import { type CallFault, fault } from "./call-fault.ts";

const { abs, fround, max, min } = Math;
const zeros = (buffer: HostBuffer, n: number) => buffer.view.subarray(0, n).every((value) => value === 0);
const sizeOf = (g: Geometry) => g.outer * g.channels * g.inner;

/** A copy that outlives its buffer. Kernels that use host memory accept it as a buffer. */
function keep({ dtype, length, view }: HostBuffer): HostBuffer {
  return { dtype, length, view: view.slice(), dispose() {}, [Symbol.dispose]() {} };
}

/** Another mean and variance for each channel of m values. */
const moments = (bug: string, change: (mean: number, variance: number, m: number) => readonly [number, number]) =>
  fault("moments", bug, (real) => (x, g, out) => {
    real.moments(x, g, out);
    const [means, variances] = [out.mean.view, out.variance.view];
    for (let c = 0; c < g.channels; c++) {
      [means[c], variances[c]] = change(means[c] as number, variances[c] as number, g.outer * g.inner);
    }
  });

/** Another result of gradSums for each channel. */
const gradSum = (bug: string, which: keyof Sums<HostBuffer>, change: (sum: number) => number) =>
  fault("gradSums", bug, (real) => (dy, x, g, stats, eps, sums, grad) => {
    real.gradSums(dy, x, g, stats, eps, sums, grad);
    sums[which].view.set(sums[which].view.slice(0, g.channels).map(change));
  });

export const REDUCTIONS: readonly CallFault[] = [
  moments("a variance below 1e-10 taken for 0", (mean, v) => [mean, v < 1e-10 ? 0 : v]),
  moments("a constant channel gets a tiny variance", (mean, v) => [mean, v === 0 ? 1e-7 * abs(mean) : v]),
  moments("squares about the mean as float32 has it", (mean, v) => [mean, v + (mean - fround(mean)) ** 2]),
  moments("m in 16 bits", (mean, v, m) => [m > 65_535 ? (mean * m) / 65_535 : mean, v]),
  moments("a mean below 1e-20 taken for 0", (mean, v) => [abs(mean) < 1e-20 ? 0 : mean, v]),
  moments("one value per channel has a variance", (mean, v, m) => [mean, m === 1 ? 1e-3 : v]),
  fault("gradSums", "a gradient of zeros leaves the sums", (real) => (dy, x, g, ...rest) => {
    if (!zeros(dy, sizeOf(g))) real.gradSums(dy, x, g, ...rest);
  }),
  fault("gradSums", "without beta's gradient, gamma's is not added", (real) => (dy, x, g, stats, eps, sums, grad) => {
    real.gradSums(dy, x, g, stats, eps, sums, grad?.beta ? grad : null);
  }),
  fault("gradSums", "gradients of more than 128 channels overwritten", (real) => (dy, x, g, stats, eps, sums, grad) => {
    if (grad && g.channels > 128) grad.gamma.view.fill(0, 0, g.channels);
    real.gradSums(dy, x, g, stats, eps, sums, grad);
  }),
  gradSum("sums rounded to float32", "dyXhat", fround),
  gradSum("sums kept within 1e6", "dy", (sum) => min(sum, 1e6)),
  fault("scaleSums", "without beta's gradient, gamma's is not added", (real) => (dy, x, g, dGamma, dBeta) => {
    real.scaleSums(dy, x, g, dBeta ? dGamma : null, dBeta);
  }),
  fault("scaleSums", "without gamma's gradient, beta's is not added", (real) => (dy, x, g, dGamma, dBeta) => {
    real.scaleSums(dy, x, g, dGamma, dGamma ? dBeta : null);
  }),
  fault("scaleSums", "what is above 1e3 is not added to", (real) => (dy, x, g, dGamma, dBeta) => {
    const before = dGamma?.view.slice();
    real.scaleSums(dy, x, g, dGamma, dBeta);
    if (!dGamma || !before) return;
    for (const [c, value] of before.subarray(0, g.channels).entries()) if (value > 1e3) dGamma.view[c] = value;
  }),
];

export const MAPS: readonly CallFault[] = [
  ...[1e-8, 1e-5].map((least) =>
    fault("normalize", `eps at least ${least}`, (real) => (x, g, stats, eps, ...rest) => {
      real.normalize(x, g, stats, max(eps, least), ...rest);
    }),
  ),
  fault("normalize", "without affine, what the last affine was", (real) => {
    let last: Affine<HostBuffer> | null = null;
    return (x, g, stats, eps, affine, y) => {
      const stale = last && last.gamma.length >= g.channels && last.gamma.dtype === x.dtype ? last : null;
      real.normalize(x, g, stats, eps, affine ?? stale, y);
      last = affine && { gamma: keep(affine.gamma), beta: affine.beta && keep(affine.beta) };
    };
  }),
  fault("normalize", "gamma without beta not applied", (real) => (x, g, stats, eps, affine, y) => {
    real.normalize(x, g, stats, eps, affine?.beta ? affine : null, y);
  }),
  fault("normalize", "beta forgotten where gamma is 0", (real) => (x, g, stats, eps, affine, y) => {
    real.normalize(x, g, stats, eps, affine, y);
    for (let i = 0; affine && i < sizeOf(g); i++)
      if (affine.gamma.view[Math.floor(i / g.inner) % g.channels] === 0) y.view[i] = 0;
  }),
  fault("gradNormalize", "dx left where dy is all zero", (real) => (dy, x, g, ...rest) => {
    if (!zeros(dy, sizeOf(g))) real.gradNormalize(dy, x, g, ...rest);
  }),
  ...[0, 1000].map((above) =>
    fault("gradNormalize", `divided by m - 1, m above ${above}`, (real) => {
      return (dy, x, g, stats, eps, affine, sums, m, dx) => {
        real.gradNormalize(dy, x, g, stats, eps, affine, sums, m > above ? max(m - 1, 1) : m, dx);
      };
    }),
  ),
  fault("gradNormalize", "no sums where m is 1", (real) => (dy, x, g, stats, eps, affine, sums, m, dx) => {
    real.gradNormalize(dy, x, g, stats, eps, affine, m === 1 ? null : sums, m, dx);
  }),
];
