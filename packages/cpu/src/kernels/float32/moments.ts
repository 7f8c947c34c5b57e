import type { Geometry } from "@bn/core";
import { CHANNEL_BLOCK, isChannelsLast, tileRows } from "../../layout.ts";
import type { Scratch } from "../../scratch.ts";

/**
 * The number of values of a channel that share a shift. The shift is one of them, so (shift - mean)^2 <= M2 of the
 * block, and the subtraction below cancels at most BLOCK + 1 times M2. That costs 12 of the 29 bits that float64 has
 * beyond float32.
 */
const BLOCK = 4096;

/**
 * Mean and biased variance of each channel, in one pass over memory (K-1, N-2).
 *
 * Math    a block of n values around its first value s: a = sum (x - s), b = sum (x - s)^2, M2 = b - a^2 / n, all in
 *         float64; blocks are joined by their sums (Chan, Golub and LeVeque, 1983).
 * Shapes  x [outer][channels][inner]; mean, variance [channels].
 * Errors  a few ulp of float64 times BLOCK, then one rounding to float32; 0 for a constant channel.
 */
export function moments(x: Float32Array, g: Geometry, mean: Float32Array, variance: Float32Array, s: Scratch): void {
  reduce(x, g, mean, null, variance, s);
}

/**
 * The kernel of K-12: meanLow holds the part of the mean that the first float32 rounds away, and m2 is the variance
 * before its division by m.
 */
export function splitMoments(
  x: Float32Array,
  g: Geometry,
  mean: Float32Array,
  meanLow: Float32Array,
  m2: Float32Array,
  s: Scratch,
): void {
  reduce(x, g, mean, meanLow, m2, s);
}

/** `squares` receives the variance, or m2 if `meanLow` is given. */
function reduce(
  x: Float32Array,
  g: Geometry,
  mean: Float32Array,
  meanLow: Float32Array | null,
  squares: Float32Array,
  s: Scratch,
): void {
  if (isChannelsLast(g)) momentsChannelsLast(x, g, mean, meanLow, squares, s);
  else for (let c = 0; c < g.channels; c++) momentsOfChannel(x, g, c, mean, meanLow, squares, s);
}

/** Stores the statistics that `join` left in channel `from` of scratch. */
function store(
  s: Scratch,
  from: number,
  c: number,
  m: number,
  mean: Float32Array,
  meanLow: Float32Array | null,
  squares: Float32Array,
): void {
  const exact = s.a[from]! + s.b[from]! / m;
  mean[c] = exact;
  squares[c] = meanLow ? s.c[from]! : s.c[from]! / m;
  if (meanLow) meanLow[c] = exact - exact === 0 ? exact - mean[c]! : 0;
}

function momentsOfChannel(
  x: Float32Array,
  { outer, channels, inner }: Geometry,
  channel: number,
  mean: Float32Array,
  meanLow: Float32Array | null,
  squares: Float32Array,
  s: Scratch,
): void {
  const stride = channels * inner;
  const width = Math.min(inner, BLOCK);
  const height = Math.floor(BLOCK / width);
  let n = 0;
  for (let row = 0; row < outer; row += height) {
    const rows = Math.min(height, outer - row);
    for (let column = 0; column < inner; column += width) {
      const columns = Math.min(width, inner - column);
      let start = row * stride + channel * inner + column;
      const shift = finiteOr0(x[start]!);
      let a0 = 0;
      let a1 = 0;
      let b0 = 0;
      let b1 = 0;
      for (let k = 0; k < rows; k++) {
        const end = start + columns;
        const last = (end - 7) | 0;
        let i = start | 0;
        for (; i < last; i = (i + 8) | 0) {
          const d0 = x[i]! - shift;
          const d1 = x[(i + 1) | 0]! - shift;
          const d2 = x[(i + 2) | 0]! - shift;
          const d3 = x[(i + 3) | 0]! - shift;
          const d4 = x[(i + 4) | 0]! - shift;
          const d5 = x[(i + 5) | 0]! - shift;
          const d6 = x[(i + 6) | 0]! - shift;
          const d7 = x[(i + 7) | 0]! - shift;
          a0 += d0;
          b0 += d0 * d0;
          a1 += d1;
          b1 += d1 * d1;
          a0 += d2;
          b0 += d2 * d2;
          a1 += d3;
          b1 += d3 * d3;
          a0 += d4;
          b0 += d4 * d4;
          a1 += d5;
          b1 += d5 * d5;
          a0 += d6;
          b0 += d6 * d6;
          a1 += d7;
          b1 += d7 * d7;
        }
        for (; i < end; i = (i + 1) | 0) {
          const d = x[i]! - shift;
          a0 += d;
          b0 += d * d;
        }
        start += stride;
      }
      const size = rows * columns;
      join(s, 0, n, size, shift, a0 + a1, b0 + b1);
      n += size;
    }
  }
  store(s, 0, channel, n, mean, meanLow, squares);
}

/**
 * For channels-last tensors. Works on whole rows, tile by tile; sums four channels of a tile in registers, down its
 * rows.
 */
function momentsChannelsLast(
  x: Float32Array,
  { outer, channels }: Geometry,
  mean: Float32Array,
  meanLow: Float32Array | null,
  squares: Float32Array,
  s: Scratch,
): void {
  const tile = tileRows(channels);
  for (let c0 = 0; c0 < channels; c0 += CHANNEL_BLOCK) {
    const width = Math.min(CHANNEL_BLOCK, channels - c0);
    for (let row = 0; row < outer; row += BLOCK) {
      const size = Math.min(BLOCK, outer - row);
      for (let c = 0; c < width; c++) s.d[c] = s.e[c] = 0;
      for (let k = 0; k < size; k += tile) {
        addTile(x, row * channels + c0, channels, width, k, Math.min(size, k + tile), s);
      }
      for (let c = 0; c < width; c++) {
        join(s, c, row, size, finiteOr0(x[row * channels + c0 + c]!), s.d[c]!, s.e[c]!);
      }
    }
    for (let c = 0; c < width; c++) store(s, c, c0 + c, outer, mean, meanLow, squares);
  }
}

/** Adds sum (x - shift) to s.d and sum (x - shift)^2 to s.e, over rows [from, to) of a block that begins at `start`. */
function addTile(
  x: Float32Array,
  start: number,
  stride: number,
  width: number,
  from: number,
  to: number,
  s: Scratch,
): void {
  let c = 0;
  for (; c + 3 < width; c += 4) {
    const s0 = finiteOr0(x[start + c]!);
    const s1 = finiteOr0(x[start + c + 1]!);
    const s2 = finiteOr0(x[start + c + 2]!);
    const s3 = finiteOr0(x[start + c + 3]!);
    let a0 = 0;
    let a1 = 0;
    let a2 = 0;
    let a3 = 0;
    let b0 = 0;
    let b1 = 0;
    let b2 = 0;
    let b3 = 0;
    let i = start + from * stride + c;
    for (let k = from; k < to; k++) {
      const d0 = x[i]! - s0;
      const d1 = x[(i + 1) | 0]! - s1;
      const d2 = x[(i + 2) | 0]! - s2;
      const d3 = x[(i + 3) | 0]! - s3;
      a0 += d0;
      a1 += d1;
      a2 += d2;
      a3 += d3;
      b0 += d0 * d0;
      b1 += d1 * d1;
      b2 += d2 * d2;
      b3 += d3 * d3;
      i += stride;
    }
    s.d[c] = s.d[c]! + a0;
    s.d[c + 1] = s.d[c + 1]! + a1;
    s.d[c + 2] = s.d[c + 2]! + a2;
    s.d[c + 3] = s.d[c + 3]! + a3;
    s.e[c] = s.e[c]! + b0;
    s.e[c + 1] = s.e[c + 1]! + b1;
    s.e[c + 2] = s.e[c + 2]! + b2;
    s.e[c + 3] = s.e[c + 3]! + b3;
  }
  for (; c < width; c++) {
    const shift = finiteOr0(x[start + c]!);
    let a = 0;
    let b = 0;
    let i = start + from * stride + c;
    for (let k = from; k < to; k++) {
      const d = x[i]! - shift;
      a += d;
      b += d * d;
      i += stride;
    }
    s.d[c] = s.d[c]! + a;
    s.e[c] = s.e[c]! + b;
  }
}

/**
 * Joins a block of `size` values, given by its sums around `shift`, to the n values before it. For channel c, scratch
 * holds the first shift in `a`, the sum around it in `b`, and M2 in `c`. It holds sums and not means, because sums stay
 * exact on exact-sum data (N-7) and keep an infinity.
 */
function join(s: Scratch, c: number, n: number, size: number, shift: number, sum: number, squares: number): void {
  const rest = squares - (sum * sum) / size;
  const m2 = Math.max(rest, 0); // NaN stays NaN
  if (n === 0) {
    s.a[c] = shift;
    s.b[c] = sum;
    s.c[c] = m2;
    return;
  }
  const before = s.b[c]!;
  const added = sum + size * (shift - s.a[c]!);
  const between = before * size - added * n;
  s.b[c] = before + added;
  s.c[c] = s.c[c]! + m2 + (between / n) * (between / size / (n + size));
}

/** Subtracting an infinity or a NaN would lose every value. Subtracting 0 loses only the infinite ones. */
function finiteOr0(value: number): number {
  return value - value === 0 ? value : 0;
}
