import type { HostArray } from "@bn/core";
import { at, type BackendMutant, type Buffer, betaAt, each, fround, fused, gammaAt, kernels, sums } from "./plant.ts";

const inverse = (variance: Buffer, eps: number, c: number) => 1 / Math.sqrt(at(variance, c) + eps);

/** Right to the last bit for ordinary numbers, but not for those near either end of the dtype's range (N-10). */
const plain: readonly BackendMutant[] = [
  kernels("squares that overflow, in moments", "N-10", () => ({
    moments(x, g, out) {
      const m = g.outer * g.inner;
      const mean = sums(g, (i) => at(x, i)).map((sum) => sum / m);
      const squares = sums(g, (i, c) => (at(x, i) - (mean[c] as number)) ** 2);
      out.mean.view.set(mean);
      out.variance.view.set(squares.map((sum) => sum / m));
    },
  })),
  kernels("gamma r that overflows or underflows, in normalize", "N-10", () => ({
    normalize(x, g, { mean, variance }, eps, affine, y) {
      each(g, (i, c) => {
        const scale = gammaAt(affine, c) * inverse(variance, eps, c);
        y.view[i] = (at(x, i) - at(mean, c)) * scale + betaAt(affine, c);
      });
    },
  })),
  kernels("products that overflow or underflow, in gradSums", "N-10", () => ({
    gradSums(dy, x, g, { mean, variance }, eps, out) {
      const products = sums(g, (i, c) => at(dy, i) * (at(x, i) - at(mean, c)));
      out.dy.view.set(sums(g, (i) => at(dy, i)));
      out.dyXhat.view.set(products.map((sum, c) => sum * inverse(variance, eps, c)));
    },
  })),
  kernels("r b that overflows or underflows, in gradNormalize", "N-10", () => ({
    gradNormalize(dy, x, g, { mean, variance }, eps, affine, given, m, dx) {
      each(g, (i, c) => {
        const r = inverse(variance, eps, c);
        const [a, b] = given ? [at(given.dy, c) / m, at(given.dyXhat, c) / m] : [0, 0];
        dx.view[i] = (at(dy, i) - a - (at(x, i) - at(mean, c)) * (r * b)) * (gammaAt(affine, c) * r);
      });
    },
  })),
  kernels("products that overflow, in scaleSums", "N-10", () => ({
    scaleSums(dy, x, g, dGamma, dBeta) {
      dGamma?.view.set(sums(g, (i) => at(dy, i) * at(x, i)).map((sum, c) => at(dGamma, c) + sum));
      dBeta?.view.set(sums(g, (i) => at(dy, i)).map((sum, c) => at(dBeta, c) + sum));
    },
  })),
  kernels("a variance that is infinite because a sum of squares is", "N-10", (real) => ({
    moments(x, g, out) {
      real.moments(x, g, out);
      const [m, limit] = [g.outer * g.inner, x.dtype === "float32" ? 2 ** 128 : Number.POSITIVE_INFINITY];
      for (let c = 0; c < g.channels; c++) if (at(out.variance, c) * m >= limit) out.variance.view[c] = limit;
    },
  })),
  fused("dx from sums that are infinite in memory", "N-10", (real) => ({
    backward(dy, x, g, stats, eps, affine, out, grad, m, dx) {
      real.gradSums(dy, x, g, stats, eps, out, grad);
      real.gradNormalize(dy, x, g, stats, eps, affine, out, m, dx);
    },
  })),
];

const split: readonly BackendMutant[] = [
  kernels("a mean in one part", "K-12", (real) => ({
    splitMoments(x, g, out) {
      real.splitMoments?.(x, g, out);
      real.fill(g.channels, 0, out.meanLow);
    },
  })),
  kernels("squares about the rounded mean", "K-12", (real) => ({
    splitMoments(x, g, out) {
      real.splitMoments?.(x, g, out);
      out.m2.view.set(sums(g, (i, c) => (at(x, i) - at(out.mean, c)) ** 2));
    },
  })),
  kernels("m2 divided by m", "K-12", (real) => ({
    splitMoments(x, g, out) {
      real.splitMoments?.(x, g, out);
      for (let c = 0; c < g.channels; c++) out.m2.view[c] = at(out.m2, c) / (g.outer * g.inner);
    },
  })),
];

const others: readonly BackendMutant[] = [
  kernels("the values that lie here counted in place of m", "K-4", (real) => ({
    gradNormalize: (dy, x, g, stats, eps, affine, given, _m, dx) =>
      real.gradNormalize(dy, x, g, stats, eps, affine, given, g.outer * g.inner, dx),
  })),
  kernels("m in 32 bits", "K-4", (real) => ({
    gradNormalize: (dy, x, g, stats, eps, affine, given, m, dx) =>
      real.gradNormalize(dy, x, g, stats, eps, affine, given, m >>> 0, dx),
  })),
  kernels("a moving average that rounds each operation", "K-7", () => ({
    movingAverage(channels, { mean, variance }, { running, fraction, correction }) {
      const round = (value: number) => (mean.dtype === "float32" ? fround(value) : value);
      const step = (target: HostArray, i: number, value: number) => {
        target[i] = round(fraction * (target[i] as number)) + value;
      };
      for (let c = 0; c < channels; c++) {
        step(running.mean.view, c, at(mean, c));
        step(running.variance.view, c, round(correction * at(variance, c)));
      }
      step(running.factor.view, 0, 1);
    },
  })),
];

export const rangeMutants: readonly BackendMutant[] = [...plain, ...split, ...others];
