import type { Geometry } from "@bn/core";
import { CHANNEL_BLOCK, isChannelsLast } from "../../layout.ts";
import type { Scratch } from "../../scratch.ts";
import { channelOf } from "../careful/channel.ts";
import { finite, scaleBy } from "../careful/scaled.ts";
import { carefulSums } from "../careful/sums.ts";
import { BLOCK_COLUMNS, blockRows, TERMS } from "./blocks.ts";
import { add, clear, firstSum, secondSum } from "./compensated-sum.ts";

/**
 * gammaGrad += sum dy * x, betaGrad += sum dy, each if given (K-6, N-1).
 *
 * Shapes  dy, x [outer][channels][inner]; gammaGrad, betaGrad [channels].
 * Errors  at most 32 terms per accumulator, a tree of four accumulators, and compensated addition of the trees: (34 + 2
 *         + 1) u.
 */
export function scaleSums(
  dy: Float64Array,
  x: Float64Array,
  g: Geometry,
  gammaGrad: Float64Array | null,
  betaGrad: Float64Array | null,
  s: Scratch,
): void {
  if (!isChannelsLast(g)) {
    for (let c = 0; c < g.channels; c++) {
      sumsOfChannel(dy, x, g, c, 0, s);
      addSums(s, 0, dy, x, g, c, gammaGrad, betaGrad);
    }
    return;
  }
  for (let c0 = 0; c0 < g.channels; c0 += CHANNEL_BLOCK) {
    const width = Math.min(CHANNEL_BLOCK, g.channels - c0);
    sumsOfChannelsLast(dy, x, g, c0, width, null, s);
    for (let c = 0; c < width; c++) addSums(s, c, dy, x, g, c0 + c, gammaGrad, betaGrad);
  }
}

/** The careful kernel recomputes sums that are not finite. */
function addSums(
  s: Scratch,
  from: number,
  dy: Float64Array,
  x: Float64Array,
  g: Geometry,
  c: number,
  gammaGrad: Float64Array | null,
  betaGrad: Float64Array | null,
): void {
  let sum = firstSum(s, from);
  let products = secondSum(s, from);
  if (!finite(sum) || !finite(products)) {
    const of = channelOf(0, null, 0);
    const again = of && carefulSums(dy, x, g, c, of);
    if (again) {
      sum = scaleBy(again.dy, again.dyExponent);
      products = scaleBy(again.dot, again.dotExponent);
    }
  }
  if (gammaGrad) gammaGrad[c] = gammaGrad[c]! + products;
  if (betaGrad) betaGrad[c] = betaGrad[c]! + sum;
}

/** Sets channel 0 of scratch to (sum dy, sum dy * (x - mean)) of one channel. */
export function sumsOfChannel(
  dy: Float64Array,
  x: Float64Array,
  { outer, channels, inner }: Geometry,
  channel: number,
  mean: number,
  s: Scratch,
): void {
  const stride = channels * inner;
  const height = blockRows(inner);
  clear(s, 0);
  for (let row = 0; row < outer; row += height) {
    const rows = Math.min(height, outer - row);
    for (let column = 0; column < inner; column += BLOCK_COLUMNS) {
      const columns = Math.min(BLOCK_COLUMNS, inner - column);
      let start = row * stride + channel * inner + column;
      let a0 = 0;
      let a1 = 0;
      let a2 = 0;
      let a3 = 0;
      let b0 = 0;
      let b1 = 0;
      let b2 = 0;
      let b3 = 0;
      for (let k = 0; k < rows; k++) {
        const end = start + columns;
        const last = (end - 3) | 0;
        let i = start | 0;
        for (; i < last; i = (i + 4) | 0) {
          const d0 = dy[i]!;
          const d1 = dy[(i + 1) | 0]!;
          const d2 = dy[(i + 2) | 0]!;
          const d3 = dy[(i + 3) | 0]!;
          a0 += d0;
          a1 += d1;
          a2 += d2;
          a3 += d3;
          b0 += d0 * (x[i]! - mean);
          b1 += d1 * (x[(i + 1) | 0]! - mean);
          b2 += d2 * (x[(i + 2) | 0]! - mean);
          b3 += d3 * (x[(i + 3) | 0]! - mean);
        }
        for (; i < end; i = (i + 1) | 0) {
          const d = dy[i]!;
          a0 += d;
          b0 += d * (x[i]! - mean);
        }
        start += stride;
      }
      add(s, 0, a0 + a1 + (a2 + a3), b0 + b1 + (b2 + b3));
    }
  }
}

/** Sets channels 0 to `width` of scratch to the same sums for the channels from c0 on, tile by tile. */
export function sumsOfChannelsLast(
  dy: Float64Array,
  x: Float64Array,
  { outer, channels }: Geometry,
  c0: number,
  width: number,
  mean: Float64Array | null,
  s: Scratch,
): void {
  for (let c = 0; c < width; c++) clear(s, c);
  for (let row = 0; row < outer; row += TERMS) {
    const rows = Math.min(TERMS, outer - row);
    for (let c = 0; c < width; c++) {
      const m = mean ? mean[c0 + c]! : 0;
      let a = 0;
      let b = 0;
      let i = row * channels + c0 + c;
      for (let k = 0; k < rows; k++) {
        const d = dy[i]!;
        a += d;
        b += d * (x[i]! - m);
        i += channels;
      }
      add(s, c, a, b);
    }
  }
}
