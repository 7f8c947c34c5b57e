import type { Geometry } from "@bn/core";
import { CHANNEL_BLOCK, isChannelsLast } from "../../layout.ts";
import type { Scratch } from "../../scratch.ts";
import { carefulMoments } from "../careful/moments.ts";
import { scaleBy } from "../careful/scaled.ts";
import { BLOCK_COLUMNS, blockRows, TERMS } from "./blocks.ts";
import { add, clear, firstSum, secondSum } from "./compensated-sum.ts";

/**
 * Mean and biased variance of each channel, in two passes (K-1, N-2).
 *
 * Math    mean = s + sum (x - s) / m around the channel's first value s; variance = (sum d^2 - (sum d)^2 / m) / m with
 *         d = x - mean, whose second term removes the rounding of the mean.
 * Shapes  x [outer][channels][inner]; mean, variance [channels].
 * Errors  N-2; 0 for a constant channel.
 */
export function moments(x: Float64Array, g: Geometry, mean: Float64Array, variance: Float64Array, s: Scratch): void {
  reduce(x, g, mean, null, variance, s);
}

/**
 * The kernel of K-12: the variance's second term gives the mean's low part, and m2 is the variance before its division
 * by m.
 */
export function splitMoments(
  x: Float64Array,
  g: Geometry,
  mean: Float64Array,
  meanLow: Float64Array,
  m2: Float64Array,
  s: Scratch,
): void {
  reduce(x, g, mean, meanLow, m2, s);
}

/** `squares` receives the variance, or m2 if `meanLow` is given. */
function reduce(
  x: Float64Array,
  g: Geometry,
  mean: Float64Array,
  meanLow: Float64Array | null,
  squares: Float64Array,
  s: Scratch,
): void {
  const { outer, channels } = g;
  if (!isChannelsLast(g)) {
    for (let c = 0; c < channels; c++) momentsOfChannel(x, g, c, mean, meanLow, squares, s);
    return;
  }
  for (let c0 = 0; c0 < channels; c0 += CHANNEL_BLOCK) {
    const width = Math.min(CHANNEL_BLOCK, channels - c0);
    for (let c = 0; c < width; c++) mean[c0 + c] = finiteOr0(x[c0 + c]!);
    sumsAround(x, outer, channels, c0, width, mean, s);
    for (let c = 0; c < width; c++) mean[c0 + c] = mean[c0 + c]! + firstSum(s, c) / outer;
    sumsAround(x, outer, channels, c0, width, mean, s);
    for (let c = 0; c < width; c++) store(x, g, c0 + c, firstSum(s, c), secondSum(s, c), mean, meanLow, squares);
  }
}

function momentsOfChannel(
  x: Float64Array,
  g: Geometry,
  c: number,
  mean: Float64Array,
  meanLow: Float64Array | null,
  squares: Float64Array,
  s: Scratch,
): void {
  const shift = finiteOr0(x[c * g.inner]!);
  sumsOfChannelAround(x, g, c, shift, s);
  mean[c] = shift + firstSum(s, 0) / (g.outer * g.inner);
  sumsOfChannelAround(x, g, c, mean[c]!, s);
  store(x, g, c, firstSum(s, 0), secondSum(s, 0), mean, meanLow, squares);
}

/**
 * Computes the result from the sums about the rounded mean. If they are not finite, the careful kernel recomputes the
 * channel.
 */
function store(
  x: Float64Array,
  g: Geometry,
  c: number,
  sum: number,
  sumOfSquares: number,
  mean: Float64Array,
  meanLow: Float64Array | null,
  squares: Float64Array,
): void {
  const m = g.outer * g.inner;
  const low = sum / m;
  const m2 = Math.max(sumOfSquares - sum * low, 0); // NaN stays NaN
  if (m2 < Number.POSITIVE_INFINITY) {
    squares[c] = meanLow ? m2 : m2 / m;
    if (meanLow) meanLow[c] = low;
    return;
  }
  const again = carefulMoments(x, g, c);
  mean[c] = again.mean;
  squares[c] = scaleBy(meanLow ? again.squares : again.squares / m, again.exponent);
  if (meanLow) meanLow[c] = again.meanLow;
}

/** Sets channel 0 of scratch to (sum d, sum d^2), with d = x - shift. */
function sumsOfChannelAround(
  x: Float64Array,
  { outer, channels, inner }: Geometry,
  channel: number,
  shift: number,
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
          const d0 = x[i]! - shift;
          const d1 = x[(i + 1) | 0]! - shift;
          const d2 = x[(i + 2) | 0]! - shift;
          const d3 = x[(i + 3) | 0]! - shift;
          a0 += d0;
          a1 += d1;
          a2 += d2;
          a3 += d3;
          b0 += d0 * d0;
          b1 += d1 * d1;
          b2 += d2 * d2;
          b3 += d3 * d3;
        }
        for (; i < end; i = (i + 1) | 0) {
          const d = x[i]! - shift;
          a0 += d;
          b0 += d * d;
        }
        start += stride;
      }
      add(s, 0, a0 + a1 + (a2 + a3), b0 + b1 + (b2 + b3));
    }
  }
}

/** Sets channels 0 to `width` of scratch to (sum d, sum d^2), with d = x - shift, for the channels from c0 on. */
function sumsAround(
  x: Float64Array,
  outer: number,
  channels: number,
  c0: number,
  width: number,
  shifts: Float64Array,
  s: Scratch,
): void {
  for (let c = 0; c < width; c++) clear(s, c);
  for (let row = 0; row < outer; row += TERMS) {
    const rows = Math.min(TERMS, outer - row);
    for (let c = 0; c < width; c++) {
      const shift = shifts[c0 + c]!;
      let a = 0;
      let b = 0;
      let i = row * channels + c0 + c;
      for (let k = 0; k < rows; k++) {
        const d = x[i]! - shift;
        a += d;
        b += d * d;
        i += channels;
      }
      add(s, c, a, b);
    }
  }
}

/** Subtracting an infinity or a NaN would lose every value. Subtracting 0 loses only the infinite ones. */
function finiteOr0(value: number): number {
  return value - value === 0 ? value : 0;
}
