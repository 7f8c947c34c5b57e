import type { Geometry } from "@bn/core";
import { CHANNEL_BLOCK, isChannelsLast } from "../../layout.ts";
import type { Scratch } from "../../scratch.ts";
import { channelOf } from "../careful/channel.ts";
import { scaleBy } from "../careful/scaled.ts";
import { carefulSums } from "../careful/sums.ts";
import { firstSum, secondSum } from "./compensated-sum.ts";
import { sumsOfChannel, sumsOfChannelsLast } from "./scale-sums.ts";

/**
 * sums = (sum dy, sum dy * x^), x^ = (x - mean) / sqrt(variance + eps); grad += (sum dy * x^, sum dy) (K-3, N-5).
 *
 * Shapes  dy, x [outer][channels][inner]; all others [channels], the last two optional.
 * Errors  each term has few roundings, and the sums have those of compensated-sum.ts.
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
      sumsOfChannel(dy, x, g, c, mean[c]!, s);
      store(s, 0, dy, x, g, c, mean, variance, eps, sumDy, sumDyXhat, gammaGrad, betaGrad);
    }
    return;
  }
  for (let c0 = 0; c0 < g.channels; c0 += CHANNEL_BLOCK) {
    const width = Math.min(CHANNEL_BLOCK, g.channels - c0);
    sumsOfChannelsLast(dy, x, g, c0, width, mean, s);
    for (let c = 0; c < width; c++)
      store(s, c, dy, x, g, c0 + c, mean, variance, eps, sumDy, sumDyXhat, gammaGrad, betaGrad);
  }
}

/**
 * r is a common factor of all terms of sum dy * x^, so the sum is multiplied by it once. The careful kernel recomputes
 * the channel if a sum is not finite. It also does so if the underflow of the products, 2^-1075 each, would show behind
 * a large r, which can happen only if the sum is near zero.
 */
function store(
  s: Scratch,
  from: number,
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
): void {
  let dySum = firstSum(s, from);
  const products = secondSum(s, from);
  const root = Math.sqrt(variance[c]! + eps);
  let dyXhat = products / root;
  const small = Math.abs(products) < 2 ** -960 && root < 0.25 && !isZero(dy, g, c);
  if (small || !(Math.abs(dySum) < Number.POSITIVE_INFINITY && Math.abs(products) < Number.POSITIVE_INFINITY)) {
    const of = channelOf(mean[c]!, variance[c]!, eps);
    const again = of && carefulSums(dy, x, g, c, of);
    if (again) {
      dySum = scaleBy(again.dy, again.dyExponent);
      dyXhat = scaleBy(again.dot, again.dotExponent);
    }
  }
  sumDy[c] = dySum;
  sumDyXhat[c] = dyXhat;
  if (gammaGrad) gammaGrad[c] = gammaGrad[c]! + dyXhat;
  if (betaGrad) betaGrad[c] = betaGrad[c]! + dySum;
}

/** Whether no gradient reaches the channel, as behind a ReLU that is off. */
function isZero(dy: Float64Array, { outer, channels, inner }: Geometry, c: number): boolean {
  for (let row = 0; row < outer; row++) {
    const start = (row * channels + c) * inner;
    for (let i = start; i < start + inner; i++) if (dy[i] !== 0) return false;
  }
  return true;
}
