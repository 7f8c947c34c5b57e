import type { Affine } from "@bn/core";
import { at, type BackendMutant, type Buffer, betaAt, each, gammaAt, kernels, mapped } from "./plant.ts";

export const gradients: readonly BackendMutant[] = [
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
