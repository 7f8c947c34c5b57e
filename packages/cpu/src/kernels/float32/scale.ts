import type { Geometry } from "@bn/core";
import { CHANNEL_BLOCK, isChannelsLast, tileRows } from "../../layout.ts";
import type { Scratch } from "../../scratch.ts";

/**
 * y = x * gamma, rounded, [+ beta, rounded] (K-5, S-1, N-8).
 *
 * Shapes  x, y [outer][channels][inner], y may be x; gamma, beta [channels].
 */
export function scale(
  x: Float32Array,
  g: Geometry,
  gamma: Float32Array,
  beta: Float32Array | null,
  y: Float32Array,
  s: Scratch,
): void {
  for (let c0 = 0; c0 < g.channels; c0 += CHANNEL_BLOCK) {
    const width = Math.min(CHANNEL_BLOCK, g.channels - c0);
    for (let c = 0; c < width; c++) {
      s.a[c] = gamma[c0 + c]!;
      s.b[c] = beta ? beta[c0 + c]! : 0;
    }
    if (beta) multiplyAdd(x, g, c0, width, s.a, s.b, y);
    else multiply(x, g, c0, width, s.a, y);
  }
}

/** y = x * s of `width` channels from c0 on; s begins at the first of these channels. */
export function multiply(
  x: Float32Array,
  g: Geometry,
  c0: number,
  width: number,
  s: Float64Array,
  y: Float32Array,
): void {
  const { outer, channels, inner } = g;
  if (!isChannelsLast(g)) {
    for (let row = 0; row < outer; row++) multiplyRuns(x, (row * channels + c0) * inner, inner, width, s, y);
    return;
  }
  const tile = tileRows(channels);
  for (let row = 0; row < outer; row += tile) {
    const start = row * channels + c0;
    const end = Math.min(outer, row + tile) * channels;
    let c = 0;
    for (; c + 7 < width; c += 8) multiplyEight(x, start + c, end, channels, c, s, y);
    for (; c < width; c++) multiplyColumn(x, start + c, end, channels, s[c]!, y);
  }
}

/** y = x * s of `width` runs of `inner` values, one per channel, as in normalizeRuns. */
export function multiplyRuns(
  x: Float32Array,
  start: number,
  inner: number,
  width: number,
  s: Float64Array,
  y: Float32Array,
): void {
  let i = start | 0;
  for (let c = 0; c < width; c++) {
    const factor = s[c]!;
    const end = (i + inner) | 0;
    const last = (end - 15) | 0;
    for (; i < last; i = (i + 16) | 0) {
      y[i] = x[i]! * factor;
      y[(i + 1) | 0] = x[(i + 1) | 0]! * factor;
      y[(i + 2) | 0] = x[(i + 2) | 0]! * factor;
      y[(i + 3) | 0] = x[(i + 3) | 0]! * factor;
      y[(i + 4) | 0] = x[(i + 4) | 0]! * factor;
      y[(i + 5) | 0] = x[(i + 5) | 0]! * factor;
      y[(i + 6) | 0] = x[(i + 6) | 0]! * factor;
      y[(i + 7) | 0] = x[(i + 7) | 0]! * factor;
      y[(i + 8) | 0] = x[(i + 8) | 0]! * factor;
      y[(i + 9) | 0] = x[(i + 9) | 0]! * factor;
      y[(i + 10) | 0] = x[(i + 10) | 0]! * factor;
      y[(i + 11) | 0] = x[(i + 11) | 0]! * factor;
      y[(i + 12) | 0] = x[(i + 12) | 0]! * factor;
      y[(i + 13) | 0] = x[(i + 13) | 0]! * factor;
      y[(i + 14) | 0] = x[(i + 14) | 0]! * factor;
      y[(i + 15) | 0] = x[(i + 15) | 0]! * factor;
    }
    for (; i < end; i = (i + 1) | 0) y[i] = x[i]! * factor;
  }
}

function multiplyEight(
  x: Float32Array,
  start: number,
  end: number,
  stride: number,
  c: number,
  s: Float64Array,
  y: Float32Array,
): void {
  const s0 = s[c]!;
  const s1 = s[c + 1]!;
  const s2 = s[c + 2]!;
  const s3 = s[c + 3]!;
  const s4 = s[c + 4]!;
  const s5 = s[c + 5]!;
  const s6 = s[c + 6]!;
  const s7 = s[c + 7]!;
  for (let i = start; i < end; i += stride) {
    y[i] = x[i]! * s0;
    y[(i + 1) | 0] = x[(i + 1) | 0]! * s1;
    y[(i + 2) | 0] = x[(i + 2) | 0]! * s2;
    y[(i + 3) | 0] = x[(i + 3) | 0]! * s3;
    y[(i + 4) | 0] = x[(i + 4) | 0]! * s4;
    y[(i + 5) | 0] = x[(i + 5) | 0]! * s5;
    y[(i + 6) | 0] = x[(i + 6) | 0]! * s6;
    y[(i + 7) | 0] = x[(i + 7) | 0]! * s7;
  }
}

function multiplyColumn(x: Float32Array, start: number, end: number, stride: number, s: number, y: Float32Array): void {
  for (let i = start; i < end; i += stride) y[i] = x[i]! * s;
}

function multiplyAdd(
  x: Float32Array,
  g: Geometry,
  c0: number,
  width: number,
  s: Float64Array,
  t: Float64Array,
  y: Float32Array,
): void {
  const { outer, channels, inner } = g;
  if (!isChannelsLast(g)) {
    for (let row = 0; row < outer; row++) multiplyAddRuns(x, (row * channels + c0) * inner, inner, width, s, t, y);
    return;
  }
  const tile = tileRows(channels);
  for (let row = 0; row < outer; row += tile) {
    const start = row * channels + c0;
    const end = Math.min(outer, row + tile) * channels;
    let c = 0;
    for (; c + 7 < width; c += 8) multiplyAddEight(x, start + c, end, channels, c, s, t, y);
    for (; c < width; c++) multiplyAddColumn(x, start + c, end, channels, s[c]!, t[c]!, y);
  }
}

function multiplyAddRuns(
  x: Float32Array,
  start: number,
  inner: number,
  width: number,
  s: Float64Array,
  t: Float64Array,
  y: Float32Array,
): void {
  const { fround } = Math;
  let i = start | 0;
  for (let c = 0; c < width; c++) {
    const factor = s[c]!;
    const term = t[c]!;
    const end = (i + inner) | 0;
    const last = (end - 15) | 0;
    for (; i < last; i = (i + 16) | 0) {
      y[i] = fround(x[i]! * factor) + term;
      y[(i + 1) | 0] = fround(x[(i + 1) | 0]! * factor) + term;
      y[(i + 2) | 0] = fround(x[(i + 2) | 0]! * factor) + term;
      y[(i + 3) | 0] = fround(x[(i + 3) | 0]! * factor) + term;
      y[(i + 4) | 0] = fround(x[(i + 4) | 0]! * factor) + term;
      y[(i + 5) | 0] = fround(x[(i + 5) | 0]! * factor) + term;
      y[(i + 6) | 0] = fround(x[(i + 6) | 0]! * factor) + term;
      y[(i + 7) | 0] = fround(x[(i + 7) | 0]! * factor) + term;
      y[(i + 8) | 0] = fround(x[(i + 8) | 0]! * factor) + term;
      y[(i + 9) | 0] = fround(x[(i + 9) | 0]! * factor) + term;
      y[(i + 10) | 0] = fround(x[(i + 10) | 0]! * factor) + term;
      y[(i + 11) | 0] = fround(x[(i + 11) | 0]! * factor) + term;
      y[(i + 12) | 0] = fround(x[(i + 12) | 0]! * factor) + term;
      y[(i + 13) | 0] = fround(x[(i + 13) | 0]! * factor) + term;
      y[(i + 14) | 0] = fround(x[(i + 14) | 0]! * factor) + term;
      y[(i + 15) | 0] = fround(x[(i + 15) | 0]! * factor) + term;
    }
    for (; i < end; i = (i + 1) | 0) y[i] = fround(x[i]! * factor) + term;
  }
}

function multiplyAddEight(
  x: Float32Array,
  start: number,
  end: number,
  stride: number,
  c: number,
  s: Float64Array,
  t: Float64Array,
  y: Float32Array,
): void {
  const { fround } = Math;
  const s0 = s[c]!;
  const s1 = s[c + 1]!;
  const s2 = s[c + 2]!;
  const s3 = s[c + 3]!;
  const s4 = s[c + 4]!;
  const s5 = s[c + 5]!;
  const s6 = s[c + 6]!;
  const s7 = s[c + 7]!;
  const t0 = t[c]!;
  const t1 = t[c + 1]!;
  const t2 = t[c + 2]!;
  const t3 = t[c + 3]!;
  const t4 = t[c + 4]!;
  const t5 = t[c + 5]!;
  const t6 = t[c + 6]!;
  const t7 = t[c + 7]!;
  for (let i = start; i < end; i += stride) {
    y[i] = fround(x[i]! * s0) + t0;
    y[(i + 1) | 0] = fround(x[(i + 1) | 0]! * s1) + t1;
    y[(i + 2) | 0] = fround(x[(i + 2) | 0]! * s2) + t2;
    y[(i + 3) | 0] = fround(x[(i + 3) | 0]! * s3) + t3;
    y[(i + 4) | 0] = fround(x[(i + 4) | 0]! * s4) + t4;
    y[(i + 5) | 0] = fround(x[(i + 5) | 0]! * s5) + t5;
    y[(i + 6) | 0] = fround(x[(i + 6) | 0]! * s6) + t6;
    y[(i + 7) | 0] = fround(x[(i + 7) | 0]! * s7) + t7;
  }
}

function multiplyAddColumn(
  x: Float32Array,
  start: number,
  end: number,
  stride: number,
  s: number,
  t: number,
  y: Float32Array,
): void {
  for (let i = start; i < end; i += stride) y[i] = Math.fround(x[i]! * s) + t;
}
