import type { Geometry } from "@bn/core";
import { isChannelsLast } from "../../layout.ts";
import type { Scratch } from "../../scratch.ts";
import { gradNormalize, gradNormalizeChannel } from "./grad-normalize.ts";
import { gradSums, gradSumsOfChannel } from "./grad-sums.ts";

/**
 * Runs gradSums and gradNormalize for one channel after the other, so that gradNormalize finds the channel in cache
 * (K-10).
 */
export function backward(
  dy: Float32Array,
  x: Float32Array,
  g: Geometry,
  mean: Float32Array,
  variance: Float32Array,
  eps: number,
  gamma: Float32Array | null,
  sumDy: Float32Array,
  sumDyXhat: Float32Array,
  gammaGrad: Float32Array | null,
  betaGrad: Float32Array | null,
  count: number,
  dx: Float32Array,
  s: Scratch,
): void {
  if (isChannelsLast(g)) {
    gradSums(dy, x, g, mean, variance, eps, sumDy, sumDyXhat, gammaGrad, betaGrad, s);
    gradNormalize(dy, x, g, mean, variance, eps, gamma, sumDy, sumDyXhat, count, dx, s, true);
    return;
  }
  for (let c = 0; c < g.channels; c++) {
    gradSumsOfChannel(dy, x, g, c, mean, variance, eps, sumDy, sumDyXhat, gammaGrad, betaGrad, s);
    gradNormalizeChannel(dy, x, g, c, mean, variance, eps, gamma, sumDy, sumDyXhat, count, true, dx, s);
  }
}
