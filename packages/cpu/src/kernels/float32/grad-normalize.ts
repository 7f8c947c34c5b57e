import type { Geometry } from "@bn/core";
import { CHANNEL_BLOCK, isChannelsLast, tileRows } from "../../layout.ts";
import type { Scratch } from "../../scratch.ts";
import { carefulGradient } from "../careful/maps.ts";
import { gradientInRange } from "./range.ts";
import { multiply } from "./scale.ts";

/**
 * dx = s * (dy - a - x^ * b), s = [gamma] * r, a = sum dy / count, b = sum dy * x^ / count; without sums dx = s * dy (K-4, N-6).
 *
 * Shapes  dy, x, dx [outer][channels][inner], dx may be dy; all others [channels].
 * Errors  float32 is computed in float64 and rounded once: half an ulp of dx, and its cancellation in float64. float64: at
 *         most 10 roundings of any term, N-6 with K = 7.
 */
export function gradNormalize(
  dy: Float32Array,
  x: Float32Array,
  g: Geometry,
  mean: Float32Array,
  variance: Float32Array,
  eps: number,
  gamma: Float32Array | null,
  sumDy: Float32Array | null,
  sumDyXhat: Float32Array | null,
  count: number,
  dx: Float32Array,
  s: Scratch,
  fused = false,
): void {
  const { outer, channels, inner } = g;
  const channelsLast = isChannelsLast(g);
  for (let c0 = 0; c0 < channels; c0 += CHANNEL_BLOCK) {
    const width = Math.min(CHANNEL_BLOCK, channels - c0);
    let inRange = true;
    for (let c = 0; c < width; c++) {
      const root = Math.sqrt(variance[c0 + c]! + eps);
      s.a[c] = mean[c0 + c]!;
      s.b[c] = sumDy ? sumDy[c0 + c]! / count : 0;
      s.c[c] = sumDyXhat ? sumDyXhat[c0 + c]! / (count * root) : 0;
      s.d[c] = (gamma ? gamma[c0 + c]! : 1) / root;
      inRange =
        inRange &&
        gradientInRange(
          sumDy ? s.a[c]! : 0,
          s.b[c]!,
          s.c[c]!,
          s.d[c]!,
          gamma ? gamma[c0 + c]! : 1,
          sumDyXhat ? sumDyXhat[c0 + c]! : 0,
        );
    }
    if (!inRange) {
      for (let c = c0; c < c0 + width; c++) {
        gradNormalizeChannel(dy, x, g, c, mean, variance, eps, gamma, sumDy, sumDyXhat, count, fused, dx);
      }
    } else if (!sumDy) multiply(dy, g, c0, width, s.d, dx);
    else if (channelsLast) gradTiles(dy, x, outer, channels, c0, width, dx, s);
    else {
      for (let row = 0; row < outer; row++) {
        for (let c = 0; c < width; c++) {
          const i = (row * channels + c0 + c) * inner;
          gradRun(dy, x, i, i + inner, s.a[c]!, s.b[c]!, s.c[c]!, s.d[c]!, dx);
        }
      }
    }
  }
}

export function gradNormalizeChannel(
  dy: Float32Array,
  x: Float32Array,
  g: Geometry,
  c: number,
  mean: Float32Array,
  variance: Float32Array,
  eps: number,
  gamma: Float32Array | null,
  sumDy: Float32Array | null,
  sumDyXhat: Float32Array | null,
  count: number,
  fused: boolean,
  dx: Float32Array,
): void {
  const root = Math.sqrt(variance[c]! + eps);
  const m = mean[c]!;
  const a = sumDy ? sumDy[c]! / count : 0;
  const b = sumDyXhat ? sumDyXhat[c]! / (count * root) : 0;
  const s = (gamma ? gamma[c]! : 1) / root;
  if (
    !gradientInRange(sumDy ? m : 0, a, b, s, gamma ? gamma[c]! : 1, sumDyXhat ? sumDyXhat[c]! : 0) &&
    carefulGradient(dy, x, g, c, mean, variance, eps, gamma, sumDy, sumDyXhat, count, fused, dx)
  ) {
    return;
  }
  const { outer, channels, inner } = g;
  for (let row = 0; row < outer; row++) {
    const i = (row * channels + c) * inner;
    if (sumDy) gradRun(dy, x, i, i + inner, m, a, b, s, dx);
    else for (let k = i; k < i + inner; k++) dx[k] = dy[k]! * s;
  }
}

/** b is already multiplied by the r of x^. */
function gradRun(
  dy: Float32Array,
  x: Float32Array,
  start: number,
  end: number,
  m: number,
  a: number,
  b: number,
  s: number,
  dx: Float32Array,
): void {
  const last = (end - 3) | 0;
  let i = start | 0;
  for (; i < last; i = (i + 4) | 0) {
    dx[i] = (dy[i]! - a - (x[i]! - m) * b) * s;
    dx[(i + 1) | 0] = (dy[(i + 1) | 0]! - a - (x[(i + 1) | 0]! - m) * b) * s;
    dx[(i + 2) | 0] = (dy[(i + 2) | 0]! - a - (x[(i + 2) | 0]! - m) * b) * s;
    dx[(i + 3) | 0] = (dy[(i + 3) | 0]! - a - (x[(i + 3) | 0]! - m) * b) * s;
  }
  for (; i < end; i = (i + 1) | 0) dx[i] = (dy[i]! - a - (x[i]! - m) * b) * s;
}

/** For channels-last tensors. Works tile by tile, two channels at a time, down the rows of a tile. */
function gradTiles(
  dy: Float32Array,
  x: Float32Array,
  outer: number,
  channels: number,
  c0: number,
  width: number,
  dx: Float32Array,
  s: Scratch,
): void {
  const tile = tileRows(channels);
  for (let row = 0; row < outer; row += tile) {
    const start = row * channels + c0;
    const end = Math.min(outer, row + tile) * channels;
    let c = 0;
    for (; c + 1 < width; c += 2) gradTwo(dy, x, start + c, end, channels, c, dx, s);
    for (; c < width; c++) gradOne(dy, x, start + c, end, channels, c, dx, s);
  }
}

function gradTwo(
  dy: Float32Array,
  x: Float32Array,
  start: number,
  end: number,
  stride: number,
  c: number,
  dx: Float32Array,
  s: Scratch,
): void {
  const m0 = s.a[c]!;
  const m1 = s.a[c + 1]!;
  const a0 = s.b[c]!;
  const a1 = s.b[c + 1]!;
  const b0 = s.c[c]!;
  const b1 = s.c[c + 1]!;
  const s0 = s.d[c]!;
  const s1 = s.d[c + 1]!;
  for (let i = start; i < end; i += stride) {
    dx[i] = (dy[i]! - a0 - (x[i]! - m0) * b0) * s0;
    dx[(i + 1) | 0] = (dy[(i + 1) | 0]! - a1 - (x[(i + 1) | 0]! - m1) * b1) * s1;
  }
}

function gradOne(
  dy: Float32Array,
  x: Float32Array,
  start: number,
  end: number,
  stride: number,
  c: number,
  dx: Float32Array,
  s: Scratch,
): void {
  const m = s.a[c]!;
  const a = s.b[c]!;
  const b = s.c[c]!;
  const scale = s.d[c]!;
  for (let i = start; i < end; i += stride) dx[i] = (dy[i]! - a - (x[i]! - m) * b) * scale;
}
