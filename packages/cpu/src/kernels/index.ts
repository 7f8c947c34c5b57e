import type { Dtype, HostArray, Kernels } from "@bn/core";
import type { CpuBuffer } from "../buffer.ts";
import { collapse } from "../layout.ts";
import { createScratch } from "../scratch.ts";
import type { ArrayKernels } from "./array-kernels.ts";
import { copy } from "./copy.ts";
import { fill } from "./fill.ts";
import { float32 } from "./float32/index.ts";
import { float64 } from "./float64/index.ts";

// Core gives all operands of a call the same dtype, so the tables of both dtypes can share a type.
const tables: Record<Dtype, ArrayKernels<HostArray>> = { float32, float64 };

/** The contract's kernels. Each call looks up the dtype's table once and then works on plain arrays. */
export function createKernels(): Required<Kernels<CpuBuffer>> {
  const scratch = createScratch();
  const movingAverage: Kernels<CpuBuffer>["movingAverage"] = (channels, stats, { running, fraction, correction }) => {
    tables[stats.mean.dtype].movingAverage(
      channels,
      stats.mean.view,
      stats.variance.view,
      running.mean.view,
      running.variance.view,
      running.factor.view,
      fraction,
      correction,
    );
  };
  return {
    moments(x, g, { mean, variance }) {
      tables[x.dtype].moments(x.view, collapse(g), mean.view, variance.view, scratch);
    },
    splitMoments(x, g, { mean, meanLow, m2 }) {
      tables[x.dtype].splitMoments(x.view, collapse(g), mean.view, meanLow.view, m2.view, scratch);
    },
    normalize(x, g, { mean, variance }, eps, affine, y) {
      const [gamma, beta] = [viewOf(affine?.gamma), viewOf(affine?.beta)];
      tables[x.dtype].normalize(x.view, collapse(g), mean.view, variance.view, eps, gamma, beta, y.view, scratch);
    },
    gradSums(dy, x, g, { mean, variance }, eps, sums, grad) {
      tables[x.dtype].gradSums(
        dy.view,
        x.view,
        collapse(g),
        mean.view,
        variance.view,
        eps,
        sums.dy.view,
        sums.dyXhat.view,
        viewOf(grad?.gamma),
        viewOf(grad?.beta),
        scratch,
      );
    },
    gradNormalize(dy, x, g, { mean, variance }, eps, affine, sums, m, dx) {
      tables[x.dtype].gradNormalize(
        dy.view,
        x.view,
        collapse(g),
        mean.view,
        variance.view,
        eps,
        viewOf(affine?.gamma),
        viewOf(sums?.dy),
        viewOf(sums?.dyXhat),
        m,
        dx.view,
        scratch,
      );
    },
    forward(x, g, stats, average, eps, affine, y) {
      tables[x.dtype].forward(
        x.view,
        collapse(g),
        stats.mean.view,
        stats.variance.view,
        eps,
        viewOf(affine?.gamma),
        viewOf(affine?.beta),
        y.view,
        scratch,
      );
      if (average) movingAverage(g.channels, stats, average);
    },
    backward(dy, x, g, { mean, variance }, eps, affine, sums, grad, m, dx) {
      tables[x.dtype].backward(
        dy.view,
        x.view,
        collapse(g),
        mean.view,
        variance.view,
        eps,
        viewOf(affine?.gamma),
        sums.dy.view,
        sums.dyXhat.view,
        viewOf(grad?.gamma),
        viewOf(grad?.beta),
        m,
        dx.view,
        scratch,
      );
    },
    scale(x, g, { gamma, beta }, y) {
      tables[x.dtype].scale(x.view, collapse(g), gamma.view, viewOf(beta), y.view, scratch);
    },
    scaleSums(dy, x, g, dGamma, dBeta) {
      tables[x.dtype].scaleSums(dy.view, x.view, collapse(g), viewOf(dGamma), viewOf(dBeta), scratch);
    },
    movingAverage,
    globalStats(channels, { mean, variance, factor }, stats) {
      tables[mean.dtype].globalStats(
        channels,
        mean.view,
        variance.view,
        factor.view,
        stats.mean.view,
        stats.variance.view,
      );
    },
    copy: (length, x, y) => copy(length, x.view, y.view),
    fill: (length, value, y) => fill(length, value, y.view),
  };
}

function viewOf(buffer: CpuBuffer | null | undefined): HostArray | null {
  return buffer ? buffer.view : null;
}
