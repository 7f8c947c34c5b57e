import type { Geometry } from "@bn/core";
import type { Scratch } from "../../scratch.ts";
import { gradNormalize } from "./grad-normalize.ts";
import { gradSums } from "./grad-sums.ts";

/** gradSums, then gradNormalize (K-10), one after the other for the reason that forward gives. */
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
  gradSums(dy, x, g, mean, variance, eps, sumDy, sumDyXhat, gammaGrad, betaGrad, s);
  gradNormalize(dy, x, g, mean, variance, eps, gamma, sumDy, sumDyXhat, count, dx, s, true);
}
