import type { Geometry } from "@bn/core";
import { CHANNEL_BLOCK, isChannelsLast, tileRows } from "../../layout.ts";
import type { Scratch } from "../../scratch.ts";
import { carefulGradient } from "../careful/maps.ts";
import { gradientInRange } from "./range.ts";
import { multiply, multiplyRuns } from "./scale.ts";

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
        gradNormalizeChannel(dy, x, g, c, mean, variance, eps, gamma, sumDy, sumDyXhat, count, fused, dx, s);
      }
    } else if (!sumDy) multiply(dy, g, c0, width, s.d, dx);
    else if (channelsLast) gradTiles(dy, x, outer, channels, c0, width, dx, s);
    else {
      for (let row = 0; row < outer; row++) gradRuns(dy, x, (row * channels + c0) * inner, inner, width, dx, s);
    }
  }
}

function gradNormalizeChannel(
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
  s: Scratch,
): void {
  const root = Math.sqrt(variance[c]! + eps);
  s.a[0] = mean[c]!;
  s.b[0] = sumDy ? sumDy[c]! / count : 0;
  s.c[0] = sumDyXhat ? sumDyXhat[c]! / (count * root) : 0;
  s.d[0] = (gamma ? gamma[c]! : 1) / root;
  const m = sumDy ? s.a[0] : 0;
  if (
    !gradientInRange(m, s.b[0], s.c[0], s.d[0], gamma ? gamma[c]! : 1, sumDyXhat ? sumDyXhat[c]! : 0) &&
    carefulGradient(dy, x, g, c, mean, variance, eps, gamma, sumDy, sumDyXhat, count, fused, dx)
  ) {
    return;
  }
  const { outer, channels, inner } = g;
  for (let row = 0; row < outer; row++) {
    const i = (row * channels + c) * inner;
    if (sumDy) gradRuns(dy, x, i, inner, 1, dx, s);
    else multiplyRuns(dy, i, inner, 1, s.d, dx);
  }
}

/** Runs of `inner` values, one per channel, as in normalizeRuns. b is already multiplied by the r of x^. */
function gradRuns(
  dy: Float32Array,
  x: Float32Array,
  start: number,
  inner: number,
  width: number,
  dx: Float32Array,
  coefficients: Scratch,
): void {
  let i = start | 0;
  for (let k = 0; k < width; k++) {
    const m = coefficients.a[k]!;
    const a = coefficients.b[k]!;
    const b = coefficients.c[k]!;
    const s = coefficients.d[k]!;
    const end = (i + inner) | 0;
    const last = (end - 15) | 0;
    for (; i < last; i = (i + 16) | 0) {
      dx[i] = (dy[i]! - a - (x[i]! - m) * b) * s;
      dx[(i + 1) | 0] = (dy[(i + 1) | 0]! - a - (x[(i + 1) | 0]! - m) * b) * s;
      dx[(i + 2) | 0] = (dy[(i + 2) | 0]! - a - (x[(i + 2) | 0]! - m) * b) * s;
      dx[(i + 3) | 0] = (dy[(i + 3) | 0]! - a - (x[(i + 3) | 0]! - m) * b) * s;
      dx[(i + 4) | 0] = (dy[(i + 4) | 0]! - a - (x[(i + 4) | 0]! - m) * b) * s;
      dx[(i + 5) | 0] = (dy[(i + 5) | 0]! - a - (x[(i + 5) | 0]! - m) * b) * s;
      dx[(i + 6) | 0] = (dy[(i + 6) | 0]! - a - (x[(i + 6) | 0]! - m) * b) * s;
      dx[(i + 7) | 0] = (dy[(i + 7) | 0]! - a - (x[(i + 7) | 0]! - m) * b) * s;
      dx[(i + 8) | 0] = (dy[(i + 8) | 0]! - a - (x[(i + 8) | 0]! - m) * b) * s;
      dx[(i + 9) | 0] = (dy[(i + 9) | 0]! - a - (x[(i + 9) | 0]! - m) * b) * s;
      dx[(i + 10) | 0] = (dy[(i + 10) | 0]! - a - (x[(i + 10) | 0]! - m) * b) * s;
      dx[(i + 11) | 0] = (dy[(i + 11) | 0]! - a - (x[(i + 11) | 0]! - m) * b) * s;
      dx[(i + 12) | 0] = (dy[(i + 12) | 0]! - a - (x[(i + 12) | 0]! - m) * b) * s;
      dx[(i + 13) | 0] = (dy[(i + 13) | 0]! - a - (x[(i + 13) | 0]! - m) * b) * s;
      dx[(i + 14) | 0] = (dy[(i + 14) | 0]! - a - (x[(i + 14) | 0]! - m) * b) * s;
      dx[(i + 15) | 0] = (dy[(i + 15) | 0]! - a - (x[(i + 15) | 0]! - m) * b) * s;
    }
    for (; i < end; i = (i + 1) | 0) dx[i] = (dy[i]! - a - (x[i]! - m) * b) * s;
  }
}

/** For channels-last tensors. Works tile by tile, eight channels at a time, down the rows of a tile. */
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
    for (; c + 7 < width; c += 8) gradEight(dy, x, start + c, end, channels, c, dx, s);
    for (; c < width; c++) gradOne(dy, x, start + c, end, channels, c, dx, s);
  }
}

function gradEight(
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
  const m2 = s.a[c + 2]!;
  const m3 = s.a[c + 3]!;
  const m4 = s.a[c + 4]!;
  const m5 = s.a[c + 5]!;
  const m6 = s.a[c + 6]!;
  const m7 = s.a[c + 7]!;
  const a0 = s.b[c]!;
  const a1 = s.b[c + 1]!;
  const a2 = s.b[c + 2]!;
  const a3 = s.b[c + 3]!;
  const a4 = s.b[c + 4]!;
  const a5 = s.b[c + 5]!;
  const a6 = s.b[c + 6]!;
  const a7 = s.b[c + 7]!;
  const b0 = s.c[c]!;
  const b1 = s.c[c + 1]!;
  const b2 = s.c[c + 2]!;
  const b3 = s.c[c + 3]!;
  const b4 = s.c[c + 4]!;
  const b5 = s.c[c + 5]!;
  const b6 = s.c[c + 6]!;
  const b7 = s.c[c + 7]!;
  const s0 = s.d[c]!;
  const s1 = s.d[c + 1]!;
  const s2 = s.d[c + 2]!;
  const s3 = s.d[c + 3]!;
  const s4 = s.d[c + 4]!;
  const s5 = s.d[c + 5]!;
  const s6 = s.d[c + 6]!;
  const s7 = s.d[c + 7]!;
  for (let i = start; i < end; i += stride) {
    dx[i] = (dy[i]! - a0 - (x[i]! - m0) * b0) * s0;
    dx[(i + 1) | 0] = (dy[(i + 1) | 0]! - a1 - (x[(i + 1) | 0]! - m1) * b1) * s1;
    dx[(i + 2) | 0] = (dy[(i + 2) | 0]! - a2 - (x[(i + 2) | 0]! - m2) * b2) * s2;
    dx[(i + 3) | 0] = (dy[(i + 3) | 0]! - a3 - (x[(i + 3) | 0]! - m3) * b3) * s3;
    dx[(i + 4) | 0] = (dy[(i + 4) | 0]! - a4 - (x[(i + 4) | 0]! - m4) * b4) * s4;
    dx[(i + 5) | 0] = (dy[(i + 5) | 0]! - a5 - (x[(i + 5) | 0]! - m5) * b5) * s5;
    dx[(i + 6) | 0] = (dy[(i + 6) | 0]! - a6 - (x[(i + 6) | 0]! - m6) * b6) * s6;
    dx[(i + 7) | 0] = (dy[(i + 7) | 0]! - a7 - (x[(i + 7) | 0]! - m7) * b7) * s7;
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
