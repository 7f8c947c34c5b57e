import type { Geometry } from "@bn/core";
import { CHANNEL_BLOCK, isChannelsLast } from "../../layout.ts";
import type { Scratch } from "../../scratch.ts";
import { firstSum, secondSum } from "./compensated-sum.ts";
import { sumsOfChannel, sumsOfChannelsLast } from "./scale-sums.ts";

/**
 * sums = (sum dy, sum dy * x^), x^ = (x - mean) / sqrt(variance + eps); grad += (sum dy * x^, sum dy) (K-3, N-5).
 *
 * Shapes  dy, x [outer][channels][inner]; all others [channels], the last two optional.
 * Errors  the terms have few roundings, the sums those of compensated-sum.ts.
 */
export function gradSums(
  dy: Float64Array,
  x: Float64Array,
  g: Geometry,
  mean: Float64Array,
  variance: Float64Array,
  eps: number,
  sumDy: Float64Array,
  sumDyXhat: Float64Array,
  gammaGrad: Float64Array | null,
  betaGrad: Float64Array | null,
  s: Scratch,
): void {
  if (!isChannelsLast(g)) {
    for (let c = 0; c < g.channels; c++) {
      gradSumsOfChannel(dy, x, g, c, mean, variance, eps, sumDy, sumDyXhat, gammaGrad, betaGrad, s);
    }
    return;
  }
  for (let c0 = 0; c0 < g.channels; c0 += CHANNEL_BLOCK) {
    const width = Math.min(CHANNEL_BLOCK, g.channels - c0);
    sumsOfChannelsLast(dy, x, g, c0, width, mean, s);
    for (let c = 0; c < width; c++) store(s, c, c0 + c, variance, eps, sumDy, sumDyXhat, gammaGrad, betaGrad);
  }
}

export function gradSumsOfChannel(
  dy: Float64Array,
  x: Float64Array,
  g: Geometry,
  c: number,
  mean: Float64Array,
  variance: Float64Array,
  eps: number,
  sumDy: Float64Array,
  sumDyXhat: Float64Array,
  gammaGrad: Float64Array | null,
  betaGrad: Float64Array | null,
  s: Scratch,
): void {
  sumsOfChannel(dy, x, g, c, mean[c]!, s);
  store(s, 0, c, variance, eps, sumDy, sumDyXhat, gammaGrad, betaGrad);
}

/** r is common to all terms of sum dy * x^: it multiplies the sum. */
function store(
  s: Scratch,
  from: number,
  c: number,
  variance: Float64Array,
  eps: number,
  sumDy: Float64Array,
  sumDyXhat: Float64Array,
  gammaGrad: Float64Array | null,
  betaGrad: Float64Array | null,
): void {
  const dySum = firstSum(s, from);
  const dyXhat = secondSum(s, from) / Math.sqrt(variance[c]! + eps);
  sumDy[c] = dySum;
  sumDyXhat[c] = dyXhat;
  if (gammaGrad) gammaGrad[c] = gammaGrad[c]! + dyXhat;
  if (betaGrad) betaGrad[c] = betaGrad[c]! + dySum;
}
