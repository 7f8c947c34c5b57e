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
  const channelsLast = isChannelsLast(g);
  const rows = channelsLast ? tileRows(channels) : 1;
  for (let row = 0; row < outer; row += rows) {
    const end = Math.min(outer, row + rows) * channels;
    for (let c = 0; c < width; c++) {
      const i = row * channels + c0 + c;
      if (channelsLast) multiplyColumn(x, i, end, channels, s[c]!, y);
      else multiplyRun(x, i * inner, (i + 1) * inner, s[c]!, y);
    }
  }
}

function multiplyRun(x: Float32Array, start: number, end: number, s: number, y: Float32Array): void {
  const last = (end - 7) | 0;
  let i = start | 0;
  for (; i < last; i = (i + 8) | 0) {
    y[i] = x[i]! * s;
    y[(i + 1) | 0] = x[(i + 1) | 0]! * s;
    y[(i + 2) | 0] = x[(i + 2) | 0]! * s;
    y[(i + 3) | 0] = x[(i + 3) | 0]! * s;
    y[(i + 4) | 0] = x[(i + 4) | 0]! * s;
    y[(i + 5) | 0] = x[(i + 5) | 0]! * s;
    y[(i + 6) | 0] = x[(i + 6) | 0]! * s;
    y[(i + 7) | 0] = x[(i + 7) | 0]! * s;
  }
  for (; i < end; i = (i + 1) | 0) y[i] = x[i]! * s;
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
  const channelsLast = isChannelsLast(g);
  const rows = channelsLast ? tileRows(channels) : 1;
  for (let row = 0; row < outer; row += rows) {
    const end = Math.min(outer, row + rows) * channels;
    for (let c = 0; c < width; c++) {
      const i = row * channels + c0 + c;
      if (channelsLast) multiplyAddColumn(x, i, end, channels, s[c]!, t[c]!, y);
      else multiplyAddRun(x, i * inner, (i + 1) * inner, s[c]!, t[c]!, y);
    }
  }
}

function multiplyAddRun(x: Float32Array, start: number, end: number, s: number, t: number, y: Float32Array): void {
  const { fround } = Math;
  const last = (end - 7) | 0;
  let i = start | 0;
  for (; i < last; i = (i + 8) | 0) {
    y[i] = fround(x[i]! * s) + t;
    y[(i + 1) | 0] = fround(x[(i + 1) | 0]! * s) + t;
    y[(i + 2) | 0] = fround(x[(i + 2) | 0]! * s) + t;
    y[(i + 3) | 0] = fround(x[(i + 3) | 0]! * s) + t;
    y[(i + 4) | 0] = fround(x[(i + 4) | 0]! * s) + t;
    y[(i + 5) | 0] = fround(x[(i + 5) | 0]! * s) + t;
    y[(i + 6) | 0] = fround(x[(i + 6) | 0]! * s) + t;
    y[(i + 7) | 0] = fround(x[(i + 7) | 0]! * s) + t;
  }
  for (; i < end; i = (i + 1) | 0) y[i] = fround(x[i]! * s) + t;
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
