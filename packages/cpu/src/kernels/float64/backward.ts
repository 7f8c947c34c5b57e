/** Generated from float32/backward.ts by test/twins.test.ts, which proves it current. */
import type { Geometry } from "@bn/core";
import type { Scratch } from "../../scratch.ts";
import { gradNormalize } from "./grad-normalize.ts";
import { gradSums } from "./grad-sums.ts";

/** gradSums, then gradNormalize (K-10), one after the other for the reason that forward gives. */
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
  gradSums(dy, x, g, mean, variance, eps, sumDy, sumDyXhat, gammaGrad, betaGrad, s);
  gradNormalize(dy, x, g, mean, variance, eps, gamma, sumDy, sumDyXhat, count, dx, s, true);
}
