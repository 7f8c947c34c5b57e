import type { Comparison } from "@bn/conformance";
import type { Geometry } from "@bn/core";

/** A contiguous part of a tensor: [outer][channels from `channel` on][inner], starting at `offset`. */
export interface Piece {
  readonly offset: number;
  readonly channel: number;
  readonly g: Geometry;
}

/**
 * Divides [outer][channels][inner] into pieces of at most `limit` values, in memory order. A comparison needs several
 * float64 arrays of the size of its input, which would be too large for a whole tensor.
 */
export function* piecesOf({ outer, channels, inner }: Geometry, limit: number): Generator<Piece> {
  const plane = channels * inner;
  if (plane <= limit) {
    const step = Math.max(1, Math.floor(limit / Math.max(plane, 1)));
    for (let o = 0; o < outer; o += step)
      yield { offset: o * plane, channel: 0, g: { outer: Math.min(step, outer - o), channels, inner } };
    return;
  }
  const some = Math.max(1, Math.floor(limit / inner));
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c += some) {
      const offset = o * plane + c * inner;
      const count = Math.min(some, channels - c);
      if (inner <= limit) yield { offset, channel: c, g: { outer: 1, channels: count, inner } };
      else
        for (let i = 0; i < inner; i += limit)
          yield { offset: offset + i, channel: c, g: { outer: 1, channels: 1, inner: Math.min(limit, inner - i) } };
    }
  }
}

/** The position of value `i` in [outer][channels][inner]. */
export function indexIn(i: number, { channels, inner }: Geometry): Comparison["at"] {
  const row = Math.floor(i / Math.max(inner, 1));
  return {
    outer: Math.floor(row / Math.max(channels, 1)),
    channel: row % Math.max(channels, 1),
    inner: i % Math.max(inner, 1),
  };
}
