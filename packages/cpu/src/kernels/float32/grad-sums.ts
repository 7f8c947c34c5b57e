import type { Geometry } from "@bn/core";
import { CHANNEL_BLOCK, isChannelsLast } from "../../layout.ts";
import type { Scratch } from "../../scratch.ts";
import { sumsOfChannel, sumsOfChannelsLast } from "./scale-sums.ts";

/**
 * sums = (sum dy, sum dy * x^), x^ = (x - mean) / sqrt(variance + eps); grad += (sum dy * x^, sum dy) (K-3, N-5).
 *
 * Shapes  dy, x [outer][channels][inner]; all others [channels], the last two optional.
 * Errors  summed in float64: a few ulp of float64 times the length of the sum, then one rounding to float32.
 */
export function gradSums(
  dy: Float32Array,
  x: Float32Array,
  g: Geometry,
  mean: Float32Array,
  variance: Float32Array,
  eps: number,
  sumDy: Float32Array,
  sumDyXhat: Float32Array,
  gammaGrad: Float32Array | null,
  betaGrad: Float32Array | null,
  s: Scratch,
): void {
  if (!isChannelsLast(g)) {
    for (let c = 0; c < g.channels; c++) {
      sumsOfChannel(dy, x, g, c, mean[c]!, s);
      store(s, 0, c, variance, eps, sumDy, sumDyXhat, gammaGrad, betaGrad);
    }
    return;
  }
  for (let c0 = 0; c0 < g.channels; c0 += CHANNEL_BLOCK) {
    const width = Math.min(CHANNEL_BLOCK, g.channels - c0);
    sumsOfChannelsLast(dy, x, g, c0, width, mean, s);
    for (let c = 0; c < width; c++) store(s, c, c0 + c, variance, eps, sumDy, sumDyXhat, gammaGrad, betaGrad);
  }
}

/** r is a common factor of all terms of sum dy * x^, so the sum is multiplied by it once. */
function store(
  s: Scratch,
  from: number,
  c: number,
  variance: Float32Array,
  eps: number,
  sumDy: Float32Array,
  sumDyXhat: Float32Array,
  gammaGrad: Float32Array | null,
  betaGrad: Float32Array | null,
): void {
  const dyXhat = s.b[from]! / Math.sqrt(variance[c]! + eps);
  sumDy[c] = s.a[from]!;
  sumDyXhat[c] = dyXhat;
  if (gammaGrad) gammaGrad[c] = gammaGrad[c]! + dyXhat;
  if (betaGrad) betaGrad[c] = betaGrad[c]! + s.a[from]!;
}
