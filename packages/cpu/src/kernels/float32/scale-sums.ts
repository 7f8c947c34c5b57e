import type { Geometry } from "@bn/core";
import { CHANNEL_BLOCK, isChannelsLast, tileRows } from "../../layout.ts";
import type { Scratch } from "../../scratch.ts";

/**
 * gammaGrad += sum dy * x, betaGrad += sum dy, each if given (K-6, N-1).
 *
 * Shapes  dy, x [outer][channels][inner]; gammaGrad, betaGrad [channels].
 * Errors  products are exact in float64, and sums stay in float64 until one rounding to float32.
 */
export function scaleSums(
  dy: Float32Array,
  x: Float32Array,
  g: Geometry,
  gammaGrad: Float32Array | null,
  betaGrad: Float32Array | null,
  s: Scratch,
): void {
  if (!isChannelsLast(g)) {
    for (let c = 0; c < g.channels; c++) {
      sumsOfChannel(dy, x, g, c, 0, s);
      if (gammaGrad) gammaGrad[c] = gammaGrad[c]! + s.b[0]!;
      if (betaGrad) betaGrad[c] = betaGrad[c]! + s.a[0]!;
    }
    return;
  }
  for (let c0 = 0; c0 < g.channels; c0 += CHANNEL_BLOCK) {
    const width = Math.min(CHANNEL_BLOCK, g.channels - c0);
    sumsOfChannelsLast(dy, x, g, c0, width, null, s);
    for (let c = 0; c < width; c++) {
      if (gammaGrad) gammaGrad[c0 + c] = gammaGrad[c0 + c]! + s.b[c]!;
      if (betaGrad) betaGrad[c0 + c] = betaGrad[c0 + c]! + s.a[c]!;
    }
  }
}

/** Sets s.a[0] = sum dy and s.b[0] = sum dy * (x - mean) of one channel. */
export function sumsOfChannel(
  dy: Float32Array,
  x: Float32Array,
  { outer, channels, inner }: Geometry,
  channel: number,
  mean: number,
  s: Scratch,
): void {
  let a0 = 0;
  let a1 = 0;
  let b0 = 0;
  let b1 = 0;
  for (let row = 0; row < outer; row++) {
    const start = (row * channels + channel) * inner;
    const end = start + inner;
    const last = (end - 7) | 0;
    let i = start | 0;
    for (; i < last; i = (i + 8) | 0) {
      const d0 = dy[i]!;
      a0 += d0;
      b0 += d0 * (x[i]! - mean);
      const d1 = dy[(i + 1) | 0]!;
      a1 += d1;
      b1 += d1 * (x[(i + 1) | 0]! - mean);
      const d2 = dy[(i + 2) | 0]!;
      a0 += d2;
      b0 += d2 * (x[(i + 2) | 0]! - mean);
      const d3 = dy[(i + 3) | 0]!;
      a1 += d3;
      b1 += d3 * (x[(i + 3) | 0]! - mean);
      const d4 = dy[(i + 4) | 0]!;
      a0 += d4;
      b0 += d4 * (x[(i + 4) | 0]! - mean);
      const d5 = dy[(i + 5) | 0]!;
      a1 += d5;
      b1 += d5 * (x[(i + 5) | 0]! - mean);
      const d6 = dy[(i + 6) | 0]!;
      a0 += d6;
      b0 += d6 * (x[(i + 6) | 0]! - mean);
      const d7 = dy[(i + 7) | 0]!;
      a1 += d7;
      b1 += d7 * (x[(i + 7) | 0]! - mean);
    }
    for (; i < end; i = (i + 1) | 0) {
      const d = dy[i]!;
      a0 += d;
      b0 += d * (x[i]! - mean);
    }
  }
  s.a[0] = a0 + a1;
  s.b[0] = b0 + b1;
}

/**
 * The same sums for `width` channels from c0 on, tile by tile. Four channels of a tile are summed in registers, down
 * its rows.
 */
export function sumsOfChannelsLast(
  dy: Float32Array,
  x: Float32Array,
  { outer, channels }: Geometry,
  c0: number,
  width: number,
  mean: Float32Array | null,
  s: Scratch,
): void {
  const tile = tileRows(channels);
  for (let c = 0; c < width; c++) {
    s.a[c] = s.b[c] = 0;
    s.c[c] = mean ? mean[c0 + c]! : 0;
  }
  for (let row = 0; row < outer; row += tile) {
    const start = row * channels + c0;
    const end = Math.min(outer, row + tile) * channels;
    let c = 0;
    for (; c + 3 < width; c += 4) addFour(dy, x, start + c, end, channels, c, s);
    for (; c < width; c++) addOne(dy, x, start + c, end, channels, c, s);
  }
}

function addFour(
  dy: Float32Array,
  x: Float32Array,
  start: number,
  end: number,
  stride: number,
  c: number,
  s: Scratch,
): void {
  const m0 = s.c[c]!;
  const m1 = s.c[c + 1]!;
  const m2 = s.c[c + 2]!;
  const m3 = s.c[c + 3]!;
  let a0 = 0;
  let a1 = 0;
  let a2 = 0;
  let a3 = 0;
  let b0 = 0;
  let b1 = 0;
  let b2 = 0;
  let b3 = 0;
  for (let i = start; i < end; i += stride) {
    const d0 = dy[i]!;
    a0 += d0;
    b0 += d0 * (x[i]! - m0);
    const d1 = dy[(i + 1) | 0]!;
    a1 += d1;
    b1 += d1 * (x[(i + 1) | 0]! - m1);
    const d2 = dy[(i + 2) | 0]!;
    a2 += d2;
    b2 += d2 * (x[(i + 2) | 0]! - m2);
    const d3 = dy[(i + 3) | 0]!;
    a3 += d3;
    b3 += d3 * (x[(i + 3) | 0]! - m3);
  }
  s.a[c] = s.a[c]! + a0;
  s.a[c + 1] = s.a[c + 1]! + a1;
  s.a[c + 2] = s.a[c + 2]! + a2;
  s.a[c + 3] = s.a[c + 3]! + a3;
  s.b[c] = s.b[c]! + b0;
  s.b[c + 1] = s.b[c + 1]! + b1;
  s.b[c + 2] = s.b[c + 2]! + b2;
  s.b[c + 3] = s.b[c + 3]! + b3;
}

function addOne(
  dy: Float32Array,
  x: Float32Array,
  start: number,
  end: number,
  stride: number,
  c: number,
  s: Scratch,
): void {
  const m = s.c[c]!;
  let a = 0;
  let b = 0;
  for (let i = start; i < end; i += stride) {
    const d = dy[i]!;
    a += d;
    b += d * (x[i]! - m);
  }
  s.a[c] = s.a[c]! + a;
  s.b[c] = s.b[c]! + b;
}
