/** Generated from float32/backward.ts by test/twins.test.ts, which proves it current. */
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
  dy: Float64Array,
  x: Float64Array,
  g: Geometry,
  mean: Float64Array,
  variance: Float64Array,
  eps: number,
  gamma: Float64Array | null,
  sumDy: Float64Array,
  sumDyXhat: Float64Array,
  gammaGrad: Float64Array | null,
  betaGrad: Float64Array | null,
  count: number,
  dx: Float64Array,
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
