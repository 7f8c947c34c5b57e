/** Generated from float32/forward.ts by test/twins.test.ts, which proves it current. */
import type { Geometry } from "@bn/core";
import { isChannelsLast } from "../../layout.ts";
import type { Scratch } from "../../scratch.ts";
import { moments, momentsOfChannel } from "./moments.ts";
import { normalize, normalizeChannel } from "./normalize.ts";

/** Runs moments and normalize for one channel after the other, so that normalize finds the channel in cache (K-10). */
export function forward(
  x: Float64Array,
  g: Geometry,
  mean: Float64Array,
  variance: Float64Array,
  eps: number,
  gamma: Float64Array | null,
  beta: Float64Array | null,
  y: Float64Array,
  s: Scratch,
): void {
  if (isChannelsLast(g)) {
    moments(x, g, mean, variance, s);
    normalize(x, g, mean, variance, eps, gamma, beta, y, s);
    return;
  }
  for (let c = 0; c < g.channels; c++) {
    momentsOfChannel(x, g, c, mean, null, variance, s);
    normalizeChannel(x, g, c, mean, variance, eps, gamma, beta, y, s);
  }
}
