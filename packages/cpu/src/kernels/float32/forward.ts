import type { Geometry } from "@bn/core";
import type { Scratch } from "../../scratch.ts";
import { moments } from "./moments.ts";
import { normalize } from "./normalize.ts";

/**
 * moments, then normalize (K-10). Taking them channel by channel, so that normalize finds the channel in cache, is never
 * faster here: both are limited by arithmetic, at 5 GB/s. Where rows are short it is up to 1.4 times slower.
 */
export function forward(
  x: Float32Array,
  g: Geometry,
  mean: Float32Array,
  variance: Float32Array,
  eps: number,
  gamma: Float32Array | null,
  beta: Float32Array | null,
  y: Float32Array,
  s: Scratch,
): void {
  moments(x, g, mean, variance, s);
  normalize(x, g, mean, variance, eps, gamma, beta, y, s);
}
