import type { Geometry } from "@bn/core";
import { exponentOf, finite, isHuge, scaleBy } from "./scaled.ts";

/** The statistics of a channel in the form that the careful kernels use. */
export interface Channel {
  /** x - mean is the result times 2^deviationExponent. */
  deviation(x: number): number;
  readonly deviationExponent: number;
  /** 1 / sqrt(variance + eps) is r * 2^rExponent. */
  readonly r: number;
  readonly rExponent: number;
}

/**
 * Returns null if a statistic is not a finite number: the ordinary kernels handle infinities and NaN. Without a
 * variance r is 1.
 */
export function channelOf(mean: number, variance: number | null, eps: number): Channel | null {
  const sum = variance === null ? 1 : variance + eps;
  const inverse =
    sum === Number.POSITIVE_INFINITY && variance !== null
      ? 0.5 / Math.sqrt(variance * 0.25 + eps * 0.25)
      : 1 / Math.sqrt(sum);
  if (!finite(mean) || !finite(inverse)) return null;
  const [quarter, deviationExponent] = isHuge(mean) ? [0.25, 2] : [1, 0];
  const shift = mean * quarter;
  const rExponent = exponentOf(inverse);
  return {
    deviation: (x) => x * quarter - shift,
    deviationExponent,
    r: scaleBy(inverse, -rExponent),
    rExponent,
  };
}

/** Visits the indices of a channel's values. */
export function eachOf({ outer, channels, inner }: Geometry, channel: number, visit: (i: number) => void): void {
  for (let row = 0; row < outer; row++) {
    const start = (row * channels + channel) * inner;
    for (let i = start; i < start + inner; i++) visit(i);
  }
}
