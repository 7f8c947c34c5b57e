import type { Affine, Dtype, Kernels } from "@bn/core";
import type { WasmBuffer } from "./buffer.ts";
import type { Exports } from "./module.ts";

const NONE = 0;
const at = (buffer: WasmBuffer | null | undefined): number => (buffer ? buffer.address : NONE);
const gammaOf = (affine: Affine<WasmBuffer> | null): number => (affine === null ? NONE : affine.gamma.address);
const betaOf = (affine: Affine<WasmBuffer> | null): number => (affine === null ? NONE : at(affine.beta));

/** The contract's kernels: operands become addresses, an absent one 0. The work is done in assembly/kernels. */
export function createKernels(wasm: Exports): Kernels<WasmBuffer> {
  const of: Record<Dtype, ReturnType<typeof typed>> = { float32: typed(wasm, 32), float64: typed(wasm, 64) };
  return {
    moments(x, { outer, channels, inner }, { mean, variance }) {
      of[x.dtype].moments(x.address, outer, channels, inner, mean.address, variance.address);
    },
    normalize(x, { outer, channels, inner }, { mean, variance }, eps, affine, y) {
      const [gamma, beta] = [gammaOf(affine), betaOf(affine)];
      const stats = [mean.address, variance.address] as const;
      of[x.dtype].normalize(x.address, outer, channels, inner, ...stats, eps, gamma, beta, y.address);
    },
    gradSums(dy, x, { outer, channels, inner }, { mean, variance }, eps, sums, grad) {
      const stats = [mean.address, variance.address] as const;
      const into = [sums.dy.address, sums.dyXhat.address, gammaOf(grad), betaOf(grad)] as const;
      of[x.dtype].gradSums(dy.address, x.address, outer, channels, inner, ...stats, eps, ...into);
    },
    gradNormalize(dy, x, { outer, channels, inner }, { mean, variance }, eps, affine, sums, dx) {
      const stats = [mean.address, variance.address] as const;
      const from = [gammaOf(affine), at(sums?.dy), at(sums?.dyXhat)] as const;
      of[x.dtype].gradNormalize(dy.address, x.address, outer, channels, inner, ...stats, eps, ...from, dx.address);
    },
    forward(x, { outer, channels, inner }, stats, average, eps, affine, y) {
      const { mean, variance } = stats;
      const [gamma, beta] = [gammaOf(affine), betaOf(affine)];
      const call = of[x.dtype].forward;
      call(x.address, outer, channels, inner, mean.address, variance.address, eps, gamma, beta, y.address);
      if (average) this.movingAverage(channels, stats, average);
    },
    backward(dy, x, { outer, channels, inner }, { mean, variance }, eps, affine, sums, grad, dx) {
      const stats = [mean.address, variance.address] as const;
      const into = [sums.dy.address, sums.dyXhat.address, gammaOf(grad), betaOf(grad)] as const;
      const call = of[x.dtype].backward;
      call(dy.address, x.address, outer, channels, inner, ...stats, eps, gammaOf(affine), ...into, dx.address);
    },
    scale(x, { outer, channels, inner }, affine, y) {
      of[x.dtype].scale(x.address, outer, channels, inner, affine.gamma.address, at(affine.beta), y.address);
    },
    scaleSums(dy, x, { outer, channels, inner }, dGamma, dBeta) {
      of[x.dtype].scaleSums(dy.address, x.address, outer, channels, inner, at(dGamma), at(dBeta));
    },
    movingAverage(channels, { mean, variance }, { running, fraction, correction }) {
      const into = [running.mean.address, running.variance.address, running.factor.address] as const;
      of[mean.dtype].movingAverage(channels, mean.address, variance.address, ...into, fraction, correction);
    },
    globalStats(channels, running, { mean, variance }) {
      const from = [running.mean.address, running.variance.address, running.factor.address] as const;
      of[mean.dtype].globalStats(channels, ...from, mean.address, variance.address);
    },
    copy(length, x, y) {
      of[x.dtype].copy(length, x.address, y.address);
    },
    fill(length, value, y) {
      of[y.dtype].fill(length, value, y.address);
    },
  };
}

/** The exports of one dtype, under the kernels' own names. */
function typed(wasm: Exports, bits: 32 | 64) {
  return {
    moments: wasm[`moments${bits}`],
    normalize: wasm[`normalize${bits}`],
    gradSums: wasm[`gradSums${bits}`],
    gradNormalize: wasm[`gradNormalize${bits}`],
    forward: wasm[`forward${bits}`],
    backward: wasm[`backward${bits}`],
    scale: wasm[`scale${bits}`],
    scaleSums: wasm[`scaleSums${bits}`],
    movingAverage: wasm[`movingAverage${bits}`],
    globalStats: wasm[`globalStats${bits}`],
    copy: wasm[`copy${bits}`],
    fill: wasm[`fill${bits}`],
  };
}
