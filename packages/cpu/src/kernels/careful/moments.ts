import type { Geometry, HostArray } from "@bn/core";
import { eachOf } from "./channel.ts";
import { exponentOf, finite, Sum, scaleBy } from "./scaled.ts";

/** The mean is mean + meanLow, and the sum of squared deviations is squares * 2^exponent. */
export interface CarefulMoments {
  readonly mean: number;
  readonly meanLow: number;
  readonly squares: number;
  readonly exponent: number;
}

/**
 * Computes the moments of a channel that has sums or values that are not finite.
 *
 * Math    E = exponent of max |x|, x' = x / 2^E; mean' = x'[0] + sum (x' - x'[0]) / m as high and low part; F =
 *         exponent of max |x' - mean'|, t = (x' - mean') / 2^F; squares = (sum t^2 - (sum t)^2 / m) 2^(2 E + 2 F).
 * Errors  The same as those of moments. A t whose square underflows is below 2^-537 of the largest, so losing it
 *         changes nothing.
 */
export function carefulMoments(x: HostArray, g: Geometry, channel: number): CarefulMoments {
  const m = g.outer * g.inner;
  let top = exponentOf(0);
  let plain = 0;
  eachOf(g, channel, (i) => {
    plain += x[i]! * 2 ** -24; // scaled so that no sum of finite values becomes infinite
    if (finite(x[i]!)) top = Math.max(top, exponentOf(x[i]!));
  });
  if (!finite(plain)) return { mean: plain, meanLow: 0, squares: Number.NaN, exponent: 0 };
  const first = scaleBy(x[channel * g.inner]!, -top);
  const sum = new Sum();
  eachOf(g, channel, (i) => sum.add(scaleBy(x[i]!, -top) - first));
  const delta = sum.total / m;
  const mean = first + delta;
  const low = lost(first, delta, mean);
  let reach = exponentOf(0);
  eachOf(g, channel, (i) => {
    reach = Math.max(reach, exponentOf(scaleBy(x[i]!, -top) - mean - low));
  });
  const [deviations, squares] = [new Sum(), new Sum()];
  eachOf(g, channel, (i) => {
    const t = scaleBy(scaleBy(x[i]!, -top) - mean - low, -reach);
    deviations.add(t);
    squares.add(t * t);
  });
  return {
    mean: scaleBy(mean, top),
    meanLow: scaleBy(low, top),
    squares: Math.max(squares.total - deviations.total ** 2 / m, 0),
    exponent: 2 * (top + reach),
  };
}

/** The rounding error of total = a + b. */
function lost(a: number, b: number, total: number): number {
  const part = total - a;
  return a - (total - part) + (b - part);
}
