import type { Kernels } from "@bn/core";
import type { WasmBuffer } from "./buffer.ts";
import { type Job, NUMBER, WORD } from "./job.ts";
import type { Exports } from "./module.ts";

const at = (buffer: WasmBuffer | null | undefined): number => (buffer ? buffer.address : 0);
const wide = ({ dtype }: WasmBuffer): number => (dtype === "float64" ? 1 : 0);

/**
 * The contract's kernels. Each writes its operands into the job and calls the module, which reads them from there
 * (assembly/).
 */
export function createKernels(wasm: Exports, job: Job): Kernels<WasmBuffer> {
  return {
    moments(x, g, { mean, variance }) {
      const words = job.openOn(g);
      words[WORD.x] = x.address;
      words[WORD.mean] = mean.address;
      words[WORD.variance] = variance.address;
      wasm.moments(wide(x));
    },
    splitMoments(x, g, { mean, meanLow, m2 }) {
      const words = job.openOn(g);
      words[WORD.x] = x.address;
      words[WORD.mean] = mean.address;
      words[WORD.meanLow] = meanLow.address;
      words[WORD.m2] = m2.address;
      wasm.moments(wide(x));
    },
    normalize(x, g, { mean, variance }, eps, affine, y) {
      const words = job.openOn(g);
      job.numbers[NUMBER.eps] = eps;
      words[WORD.x] = x.address;
      words[WORD.mean] = mean.address;
      words[WORD.variance] = variance.address;
      words[WORD.gamma] = at(affine?.gamma);
      words[WORD.beta] = at(affine?.beta);
      words[WORD.y] = y.address;
      wasm.normalize(wide(x));
    },
    gradSums(dy, x, g, { mean, variance }, eps, sums, grad) {
      const words = job.openOn(g);
      job.numbers[NUMBER.eps] = eps;
      words[WORD.dy] = dy.address;
      words[WORD.x] = x.address;
      words[WORD.mean] = mean.address;
      words[WORD.variance] = variance.address;
      words[WORD.sumDy] = sums.dy.address;
      words[WORD.sumDyXhat] = sums.dyXhat.address;
      words[WORD.gradGamma] = at(grad?.gamma);
      words[WORD.gradBeta] = at(grad?.beta);
      wasm.gradSums(wide(x));
    },
    gradNormalize(dy, x, g, { mean, variance }, eps, affine, sums, m, dx) {
      const words = job.openOn(g);
      job.numbers[NUMBER.eps] = eps;
      job.numbers[NUMBER.m] = m;
      words[WORD.dy] = dy.address;
      words[WORD.x] = sums ? x.address : dy.address; // without sums dx = dy s, which is y = (x - mean) s without a mean
      words[WORD.mean] = sums ? mean.address : 0;
      words[WORD.variance] = variance.address;
      words[WORD.gamma] = at(affine?.gamma);
      words[WORD.sumDy] = at(sums?.dy);
      words[WORD.sumDyXhat] = at(sums?.dyXhat);
      words[WORD.y] = dx.address;
      wasm.gradNormalize(wide(x));
    },
    forward(x, g, { mean, variance }, average, eps, affine, y) {
      const words = job.openOn(g);
      const { numbers } = job;
      numbers[NUMBER.eps] = eps;
      words[WORD.x] = x.address;
      words[WORD.mean] = mean.address;
      words[WORD.variance] = variance.address;
      words[WORD.gamma] = at(affine?.gamma);
      words[WORD.beta] = at(affine?.beta);
      words[WORD.y] = y.address;
      if (average) {
        words[WORD.runningMean] = average.running.mean.address;
        words[WORD.runningVariance] = average.running.variance.address;
        words[WORD.factor] = average.running.factor.address;
        numbers[NUMBER.fraction] = average.fraction;
        numbers[NUMBER.correction] = average.correction;
      }
      wasm.forward(wide(x));
    },
    backward(dy, x, g, { mean, variance }, eps, affine, sums, grad, m, dx) {
      const words = job.openOn(g);
      job.numbers[NUMBER.eps] = eps;
      job.numbers[NUMBER.m] = m;
      words[WORD.dy] = dy.address;
      words[WORD.x] = x.address;
      words[WORD.mean] = mean.address;
      words[WORD.variance] = variance.address;
      words[WORD.gamma] = at(affine?.gamma);
      words[WORD.sumDy] = sums.dy.address;
      words[WORD.sumDyXhat] = sums.dyXhat.address;
      words[WORD.gradGamma] = at(grad?.gamma);
      words[WORD.gradBeta] = at(grad?.beta);
      words[WORD.y] = dx.address;
      wasm.backward(wide(x));
    },
    // K-5 and K-6 are normalize and gradSums without statistics.
    scale(x, g, { gamma, beta }, y) {
      const words = job.openOn(g);
      words[WORD.x] = x.address;
      words[WORD.gamma] = gamma.address;
      words[WORD.beta] = at(beta);
      words[WORD.y] = y.address;
      wasm.normalize(wide(x));
    },
    scaleSums(dy, x, g, dGamma, dBeta) {
      const words = job.openOn(g);
      words[WORD.dy] = dy.address;
      words[WORD.x] = x.address;
      words[WORD.gradGamma] = at(dGamma);
      words[WORD.gradBeta] = at(dBeta);
      wasm.gradSums(wide(x));
    },
    movingAverage(channels, { mean, variance }, { running, fraction, correction }) {
      const words = job.open();
      job.numbers[NUMBER.fraction] = fraction;
      job.numbers[NUMBER.correction] = correction;
      words[WORD.channels] = channels;
      words[WORD.mean] = mean.address;
      words[WORD.variance] = variance.address;
      words[WORD.runningMean] = running.mean.address;
      words[WORD.runningVariance] = running.variance.address;
      words[WORD.factor] = running.factor.address;
      wasm.movingAverage(wide(mean));
    },
    globalStats(channels, running, { mean, variance }) {
      const words = job.open();
      words[WORD.channels] = channels;
      words[WORD.mean] = mean.address;
      words[WORD.variance] = variance.address;
      words[WORD.runningMean] = running.mean.address;
      words[WORD.runningVariance] = running.variance.address;
      words[WORD.factor] = running.factor.address;
      wasm.globalStats(wide(mean));
    },
    copy(length, x, y) {
      const words = job.open();
      words[WORD.length] = length;
      words[WORD.x] = x.address;
      words[WORD.y] = y.address;
      wasm.copy(wide(x));
    },
    fill(length, value, y) {
      const words = job.open();
      job.numbers[NUMBER.value] = value;
      words[WORD.length] = length;
      words[WORD.y] = y.address;
      wasm.fill(wide(y));
    },
  };
}
