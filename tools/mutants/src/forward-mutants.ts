import type { Geometry } from "@bn/core";
import { at, type BackendMutant, type Buffer, betaAt, each, fround, gammaAt, kernels, mapped, sums } from "./plant.ts";

export const moments: readonly BackendMutant[] = [
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
  const mean = sums(g, (i) => at(x, i), new Float32Array(g.channels)).map((sum) => sum / m);
  const squares = sums(g, (i) => fround(at(x, i) ** 2), new Float32Array(g.channels));
  out.mean.view.set(mean);
  out.variance.view.set(squares.map((sum, c) => Math.max(0, fround(sum / m) - fround((mean[c] as number) ** 2))));
}

function plainLoops(x: Buffer, g: Geometry, out: { mean: Buffer; variance: Buffer }): void {
  const m = g.outer * g.inner;
  const mean = sums(g, (i) => at(x, i), new Float32Array(g.channels)).map((sum) => sum / m);
  const about = (i: number, c: number) => fround(fround(at(x, i) - (mean[c] as number)) ** 2);
  out.mean.view.set(mean);
  out.variance.view.set(sums(g, about, new Float32Array(g.channels)).map((sum) => sum / m));
}

export const maps: readonly BackendMutant[] = [
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
