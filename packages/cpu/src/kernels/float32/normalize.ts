import type { Geometry } from "@bn/core";
import { CHANNEL_BLOCK, isChannelsLast, tileRows } from "../../layout.ts";
import type { Scratch } from "../../scratch.ts";
import { carefulNormalize } from "../careful/maps.ts";
import { mapInRange } from "./range.ts";

/**
 * y = (x - mean) * s [+ beta], s = [gamma] / sqrt(variance + eps), with the statistics as stored (K-2, N-3).
 *
 * Shapes  x, y [outer][channels][inner], y may be x; mean, variance, gamma, beta [channels].
 * Errors  float32 is computed in float64 and rounded once: half an ulp of y. V8 has no float32 arithmetic, which would
 *         cost a conversion per operation. float64: 2.5 roundings of s, one each of the difference, the product and the
 *         sum, 5.5 u of 7 u (N-3).
 */
export function normalize(
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
  const { outer, channels, inner } = g;
  const channelsLast = isChannelsLast(g);
  for (let c0 = 0; c0 < channels; c0 += CHANNEL_BLOCK) {
    const width = Math.min(CHANNEL_BLOCK, channels - c0);
    let inRange = true;
    for (let c = 0; c < width; c++) {
      s.a[c] = mean[c0 + c]!;
      s.b[c] = (gamma ? gamma[c0 + c]! : 1) / Math.sqrt(variance[c0 + c]! + eps);
      s.c[c] = beta ? beta[c0 + c]! : 0;
      inRange = inRange && mapInRange(s.a[c]!, s.b[c]!, s.c[c]!, gamma ? gamma[c0 + c]! : 1);
    }
    if (!inRange) {
      for (let c = c0; c < c0 + width; c++) normalizeChannel(x, g, c, mean, variance, eps, gamma, beta, y);
      continue;
    }
    if (channelsLast) {
      normalizeTiles(x, outer, channels, c0, width, y, s);
      continue;
    }
    for (let row = 0; row < outer; row++) {
      for (let c = 0; c < width; c++) {
        const i = (row * channels + c0 + c) * inner;
        normalizeRun(x, i, i + inner, s.a[c]!, s.b[c]!, s.c[c]!, y);
      }
    }
  }
}

export function normalizeChannel(
  x: Float32Array,
  g: Geometry,
  c: number,
  mean: Float32Array,
  variance: Float32Array,
  eps: number,
  gamma: Float32Array | null,
  beta: Float32Array | null,
  y: Float32Array,
): void {
  const m = mean[c]!;
  const s = (gamma ? gamma[c]! : 1) / Math.sqrt(variance[c]! + eps);
  const t = beta ? beta[c]! : 0;
  if (!mapInRange(m, s, t, gamma ? gamma[c]! : 1) && carefulNormalize(x, g, c, mean, variance, eps, gamma, beta, y)) {
    return;
  }
  const { outer, channels, inner } = g;
  for (let row = 0; row < outer; row++) {
    const i = (row * channels + c) * inner;
    normalizeRun(x, i, i + inner, m, s, t, y);
  }
}

function normalizeRun(
  x: Float32Array,
  start: number,
  end: number,
  m: number,
  s: number,
  t: number,
  y: Float32Array,
): void {
  const last = (end - 7) | 0;
  let i = start | 0;
  for (; i < last; i = (i + 8) | 0) {
    y[i] = (x[i]! - m) * s + t;
    y[(i + 1) | 0] = (x[(i + 1) | 0]! - m) * s + t;
    y[(i + 2) | 0] = (x[(i + 2) | 0]! - m) * s + t;
    y[(i + 3) | 0] = (x[(i + 3) | 0]! - m) * s + t;
    y[(i + 4) | 0] = (x[(i + 4) | 0]! - m) * s + t;
    y[(i + 5) | 0] = (x[(i + 5) | 0]! - m) * s + t;
    y[(i + 6) | 0] = (x[(i + 6) | 0]! - m) * s + t;
    y[(i + 7) | 0] = (x[(i + 7) | 0]! - m) * s + t;
  }
  for (; i < end; i = (i + 1) | 0) y[i] = (x[i]! - m) * s + t;
}

/**
 * For channels-last tensors. Works tile by tile, four channels at a time, down the rows of a tile, with the
 * coefficients in registers.
 */
function normalizeTiles(
  x: Float32Array,
  outer: number,
  channels: number,
  c0: number,
  width: number,
  y: Float32Array,
  s: Scratch,
): void {
  const tile = tileRows(channels);
  for (let row = 0; row < outer; row += tile) {
    const start = row * channels + c0;
    const end = Math.min(outer, row + tile) * channels;
    let c = 0;
    for (; c + 3 < width; c += 4) normalizeFour(x, start + c, end, channels, c, y, s);
    for (; c < width; c++) normalizeOne(x, start + c, end, channels, c, y, s);
  }
}

function normalizeFour(
  x: Float32Array,
  start: number,
  end: number,
  stride: number,
  c: number,
  y: Float32Array,
  s: Scratch,
): void {
  const m0 = s.a[c]!;
  const m1 = s.a[c + 1]!;
  const m2 = s.a[c + 2]!;
  const m3 = s.a[c + 3]!;
  const s0 = s.b[c]!;
  const s1 = s.b[c + 1]!;
  const s2 = s.b[c + 2]!;
  const s3 = s.b[c + 3]!;
  const t0 = s.c[c]!;
  const t1 = s.c[c + 1]!;
  const t2 = s.c[c + 2]!;
  const t3 = s.c[c + 3]!;
  for (let i = start; i < end; i += stride) {
    y[i] = (x[i]! - m0) * s0 + t0;
    y[(i + 1) | 0] = (x[(i + 1) | 0]! - m1) * s1 + t1;
    y[(i + 2) | 0] = (x[(i + 2) | 0]! - m2) * s2 + t2;
    y[(i + 3) | 0] = (x[(i + 3) | 0]! - m3) * s3 + t3;
  }
}

function normalizeOne(
  x: Float32Array,
  start: number,
  end: number,
  stride: number,
  c: number,
  y: Float32Array,
  s: Scratch,
): void {
  const m = s.a[c]!;
  const scale = s.b[c]!;
  const t = s.c[c]!;
  for (let i = start; i < end; i += stride) y[i] = (x[i]! - m) * scale + t;
}
