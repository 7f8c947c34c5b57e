import type { Geometry } from "@bn/core";

/** Rows with fewer elements are gathered. */
const SHORT = 16;

/**
 * The geometry in which a tensor is read. A loop over [outer][channels][inner] loads the numbers of a channel once per
 * row, which takes several times as long as the arithmetic if a row has one element. So if rows are short, the values
 * of each channel are first gathered: [1][channels][outer inner].
 */
export function gathered(g: Geometry): Geometry {
  const { outer, channels, inner } = g;
  const short = outer > 1 && (inner < SHORT || channels === 1);
  return short ? { outer: 1, channels, inner: outer * inner } : g;
}

/** Rows and channels are gathered in tiles, which stay in the cache. */
const TILE = 32;

/** Memory for gathered values, by the operand's number. The next tensor that is gathered overwrites it. */
const scratch32: Float32Array[] = [];
const scratch64: Float64Array[] = [];

/** The values of a tensor of geometry `g` in the order of `gathered(g)`. */
export function gather32(values: Float32Array, g: Geometry, operand = 0): Float32Array {
  const { outer, channels, inner } = g;
  if (isOrdered(g)) return values;
  const length = outer * channels * inner;
  const old = scratch32[operand];
  const to = old !== undefined && old.length >= length ? old : new Float32Array(length);
  scratch32[operand] = to;
  const row = channels * inner;
  for (let o = 0; o < outer; o += TILE) {
    const [until, rows] = [Math.min(o + TILE, outer), o * row];
    for (let c = 0; c < channels; c += TILE) {
      for (let n = c, end = Math.min(c + TILE, channels); n < end; n++) {
        for (let k = 0; k < inner; k++) {
          let from = rows + n * inner + k;
          let at = (n * outer + o) * inner + k;
          for (let i = o; i < until; i++, from += row, at += inner) to[at] = values[from] as number;
        }
      }
    }
  }
  return to;
}

/** The same for float64. A loop over both types of array would take several times as long. */
export function gather64(values: Float64Array, g: Geometry, operand = 0): Float64Array {
  const { outer, channels, inner } = g;
  if (isOrdered(g)) return values;
  const length = outer * channels * inner;
  const old = scratch64[operand];
  const to = old !== undefined && old.length >= length ? old : new Float64Array(length);
  scratch64[operand] = to;
  const row = channels * inner;
  for (let o = 0; o < outer; o += TILE) {
    const [until, rows] = [Math.min(o + TILE, outer), o * row];
    for (let c = 0; c < channels; c += TILE) {
      for (let n = c, end = Math.min(c + TILE, channels); n < end; n++) {
        for (let k = 0; k < inner; k++) {
          let from = rows + n * inner + k;
          let at = (n * outer + o) * inner + k;
          for (let i = o; i < until; i++, from += row, at += inner) to[at] = values[from] as number;
        }
      }
    }
  }
  return to;
}

/** Whether the tensor's own order is that of `gathered(g)`. */
function isOrdered(g: Geometry): boolean {
  return g.channels === 1 || gathered(g) === g;
}
