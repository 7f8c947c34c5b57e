/** Generated from float32/normalize.ts by test/twins.test.ts, which proves it current. */
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
      for (let c = c0; c < c0 + width; c++) normalizeChannel(x, g, c, mean, variance, eps, gamma, beta, y, s);
      continue;
    }
    if (channelsLast) {
      normalizeTiles(x, outer, channels, c0, width, y, s);
      continue;
    }
    for (let row = 0; row < outer; row++) normalizeRuns(x, (row * channels + c0) * inner, inner, width, y, s);
  }
}

function normalizeChannel(
  x: Float64Array,
  g: Geometry,
  c: number,
  mean: Float64Array,
  variance: Float64Array,
  eps: number,
  gamma: Float64Array | null,
  beta: Float64Array | null,
  y: Float64Array,
  s: Scratch,
): void {
  s.a[0] = mean[c]!;
  s.b[0] = (gamma ? gamma[c]! : 1) / Math.sqrt(variance[c]! + eps);
  s.c[0] = beta ? beta[c]! : 0;
  const inRange = mapInRange(s.a[0], s.b[0], s.c[0], gamma ? gamma[c]! : 1);
  if (!inRange && carefulNormalize(x, g, c, mean, variance, eps, gamma, beta, y)) {
    return;
  }
  const { outer, channels, inner } = g;
  for (let row = 0; row < outer; row++) normalizeRuns(x, (row * channels + c) * inner, inner, 1, y, s);
}

/**
 * Normalizes `width` runs of `inner` values, one per channel. Coefficients come in scratch: as arguments of a call per
 * run, which is too large to be inlined, they would be boxed.
 */
function normalizeRuns(
  x: Float64Array,
  start: number,
  inner: number,
  width: number,
  y: Float64Array,
  { a, b, c }: Scratch,
): void {
  let i = start | 0;
  for (let k = 0; k < width; k++) {
    const m = a[k]!;
    const s = b[k]!;
    const t = c[k]!;
    const end = (i + inner) | 0;
    const last = (end - 15) | 0;
    for (; i < last; i = (i + 16) | 0) {
      y[i] = (x[i]! - m) * s + t;
      y[(i + 1) | 0] = (x[(i + 1) | 0]! - m) * s + t;
      y[(i + 2) | 0] = (x[(i + 2) | 0]! - m) * s + t;
      y[(i + 3) | 0] = (x[(i + 3) | 0]! - m) * s + t;
      y[(i + 4) | 0] = (x[(i + 4) | 0]! - m) * s + t;
      y[(i + 5) | 0] = (x[(i + 5) | 0]! - m) * s + t;
      y[(i + 6) | 0] = (x[(i + 6) | 0]! - m) * s + t;
      y[(i + 7) | 0] = (x[(i + 7) | 0]! - m) * s + t;
      y[(i + 8) | 0] = (x[(i + 8) | 0]! - m) * s + t;
      y[(i + 9) | 0] = (x[(i + 9) | 0]! - m) * s + t;
      y[(i + 10) | 0] = (x[(i + 10) | 0]! - m) * s + t;
      y[(i + 11) | 0] = (x[(i + 11) | 0]! - m) * s + t;
      y[(i + 12) | 0] = (x[(i + 12) | 0]! - m) * s + t;
      y[(i + 13) | 0] = (x[(i + 13) | 0]! - m) * s + t;
      y[(i + 14) | 0] = (x[(i + 14) | 0]! - m) * s + t;
      y[(i + 15) | 0] = (x[(i + 15) | 0]! - m) * s + t;
    }
    for (; i < end; i = (i + 1) | 0) y[i] = (x[i]! - m) * s + t;
  }
}

/** For channels-last tensors. Works tile by tile, eight channels at a time, down the rows of a tile. */
function normalizeTiles(
  x: Float64Array,
  outer: number,
  channels: number,
  c0: number,
  width: number,
  y: Float64Array,
  s: Scratch,
): void {
  const tile = tileRows(channels);
  for (let row = 0; row < outer; row += tile) {
    const start = row * channels + c0;
    const end = Math.min(outer, row + tile) * channels;
    let c = 0;
    for (; c + 7 < width; c += 8) normalizeEight(x, start + c, end, channels, c, y, s);
    for (; c < width; c++) normalizeOne(x, start + c, end, channels, c, y, s);
  }
}

function normalizeEight(
  x: Float64Array,
  start: number,
  end: number,
  stride: number,
  c: number,
  y: Float64Array,
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
  const s0 = s.b[c]!;
  const s1 = s.b[c + 1]!;
  const s2 = s.b[c + 2]!;
  const s3 = s.b[c + 3]!;
  const s4 = s.b[c + 4]!;
  const s5 = s.b[c + 5]!;
  const s6 = s.b[c + 6]!;
  const s7 = s.b[c + 7]!;
  const t0 = s.c[c]!;
  const t1 = s.c[c + 1]!;
  const t2 = s.c[c + 2]!;
  const t3 = s.c[c + 3]!;
  const t4 = s.c[c + 4]!;
  const t5 = s.c[c + 5]!;
  const t6 = s.c[c + 6]!;
  const t7 = s.c[c + 7]!;
  for (let i = start; i < end; i += stride) {
    y[i] = (x[i]! - m0) * s0 + t0;
    y[(i + 1) | 0] = (x[(i + 1) | 0]! - m1) * s1 + t1;
    y[(i + 2) | 0] = (x[(i + 2) | 0]! - m2) * s2 + t2;
    y[(i + 3) | 0] = (x[(i + 3) | 0]! - m3) * s3 + t3;
    y[(i + 4) | 0] = (x[(i + 4) | 0]! - m4) * s4 + t4;
    y[(i + 5) | 0] = (x[(i + 5) | 0]! - m5) * s5 + t5;
    y[(i + 6) | 0] = (x[(i + 6) | 0]! - m6) * s6 + t6;
    y[(i + 7) | 0] = (x[(i + 7) | 0]! - m7) * s7 + t7;
  }
}

function normalizeOne(
  x: Float64Array,
  start: number,
  end: number,
  stride: number,
  c: number,
  y: Float64Array,
  s: Scratch,
): void {
  const m = s.a[c]!;
  const scale = s.b[c]!;
  const t = s.c[c]!;
  for (let i = start; i < end; i += stride) y[i] = (x[i]! - m) * scale + t;
}
