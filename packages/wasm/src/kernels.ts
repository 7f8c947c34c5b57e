import type { Affine, Kernels } from "@bn/core";
import type { WasmBuffer } from "./buffer.ts";
import type { Exports } from "./module.ts";

const NONE = 0;
const at = (buffer: WasmBuffer | null | undefined): number => (buffer ? buffer.address : NONE);
const gammaOf = (affine: Affine<WasmBuffer> | null): number => at(affine?.gamma);
const betaOf = (affine: Affine<WasmBuffer> | null): number => at(affine?.beta);
const wide = ({ dtype }: WasmBuffer): number => (dtype === "float64" ? 1 : 0);

/** The contract's kernels: operands become addresses, an absent one 0. The work is done in assembly/kernels. */
export function createKernels(wasm: Exports): Kernels<WasmBuffer> {
  const kernels: Kernels<WasmBuffer> = {
    moments(x, { outer, channels, inner }, { mean, variance }) {
      wasm.moments(wide(x), x.address, outer, channels, inner, mean.address, variance.address);
    },
    splitMoments(x, { outer, channels, inner }, { mean, meanLow, m2 }) {
      wasm.splitMoments(wide(x), x.address, outer, channels, inner, mean.address, meanLow.address, m2.address);
    },
    normalize(x, { outer, channels, inner }, { mean, variance }, eps, affine, y) {
      const [gamma, beta] = [gammaOf(affine), betaOf(affine)];
      const stats = [mean.address, variance.address] as const;
      wasm.normalize(wide(x), x.address, outer, channels, inner, ...stats, eps, gamma, beta, y.address);
    },
    gradSums(dy, x, { outer, channels, inner }, { mean, variance }, eps, sums, grad) {
      const stats = [mean.address, variance.address] as const;
      const into = [sums.dy.address, sums.dyXhat.address, gammaOf(grad), betaOf(grad)] as const;
      wasm.gradSums(wide(x), dy.address, x.address, outer, channels, inner, ...stats, eps, ...into);
    },
    gradNormalize(dy, x, { outer, channels, inner }, { mean, variance }, eps, affine, sums, m, dx) {
      const stats = [mean.address, variance.address] as const;
      const from = [gammaOf(affine), at(sums?.dy), at(sums?.dyXhat)] as const;
      wasm.gradNormalize(wide(x), dy.address, x.address, outer, channels, inner, ...stats, eps, ...from, m, dx.address);
    },
    forward(x, { outer, channels, inner }, stats, average, eps, affine, y) {
      const [mean, variance] = [stats.mean.address, stats.variance.address];
      const [gamma, beta] = [gammaOf(affine), betaOf(affine)];
      wasm.forward(wide(x), x.address, outer, channels, inner, mean, variance, eps, gamma, beta, y.address);
      if (average) kernels.movingAverage(channels, stats, average);
    },
    backward(dy, x, { outer, channels, inner }, { mean, variance }, eps, affine, sums, grad, m, dx) {
      const stats = [mean.address, variance.address] as const;
      const into = [sums.dy.address, sums.dyXhat.address, gammaOf(grad), betaOf(grad)] as const;
      const [of, gamma] = [[wide(x), dy.address, x.address] as const, gammaOf(affine)];
      wasm.backward(...of, outer, channels, inner, ...stats, eps, gamma, ...into, m, dx.address);
    },
    scale(x, { outer, channels, inner }, affine, y) {
      wasm.scale(wide(x), x.address, outer, channels, inner, affine.gamma.address, at(affine.beta), y.address);
    },
    scaleSums(dy, x, { outer, channels, inner }, dGamma, dBeta) {
      wasm.scaleSums(wide(x), dy.address, x.address, outer, channels, inner, at(dGamma), at(dBeta));
    },
    movingAverage(channels, { mean, variance }, { running, fraction, correction }) {
      const into = [running.mean.address, running.variance.address, running.factor.address] as const;
      wasm.movingAverage(wide(mean), channels, mean.address, variance.address, ...into, fraction, correction);
    },
    globalStats(channels, running, { mean, variance }) {
      const from = [running.mean.address, running.variance.address, running.factor.address] as const;
      wasm.globalStats(wide(mean), channels, ...from, mean.address, variance.address);
    },
    copy(length, x, y) {
      wasm.copy(wide(x), length, x.address, y.address);
    },
    fill(length, value, y) {
      wasm.fill(wide(y), length, value, y.address);
    },
  };
  return kernels;
}
