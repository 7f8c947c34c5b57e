import { random } from "@bn/conformance";
import type { Dtype, Geometry } from "@bn/core";

/** How many images each rank has. */
export interface Split {
  readonly name: string;
  readonly batchOf: (rank: number, size: number) => number;
  /** Height and width. */
  readonly side: number;
}

export const SPLITS: readonly Split[] = [
  { name: "equal", batchOf: () => 3, side: 3 },
  { name: "unequal", batchOf: (rank) => 1 + ((rank * 5) % 7), side: 2 },
  { name: "wildly unequal", batchOf: (rank) => (rank === 0 ? 150 : 1), side: 2 },
  { name: "empty ranks", batchOf: (rank, size) => (rank % 2 === 1 || size === 1 ? 4 : 0), side: 3 },
  { name: "one rank with values", batchOf: (rank, size) => (rank === size - 1 ? 6 : 0), side: 2 },
  { name: "one value per rank", batchOf: () => 1, side: 1 },
];

/** The position of the channels. */
export interface Layout {
  readonly name: string;
  readonly axis: number;
  readonly shapeOf: (batch: number, channels: number, side: number) => number[];
  readonly geometryOf: (batch: number, channels: number, side: number) => Geometry;
}

export const LAYOUTS: readonly Layout[] = [
  {
    name: "NCHW",
    axis: 1,
    shapeOf: (n, c, side) => [n, c, side, side],
    geometryOf: (outer, channels, side) => ({ outer, channels, inner: side * side }),
  },
  {
    name: "channels-last",
    axis: -1,
    shapeOf: (n, c, side) => [n, side, side, c],
    geometryOf: (n, channels, side) => ({ outer: n * side * side, channels, inner: 1 }),
  },
];

/**
 * One rank's x and dy as rows of channels. They are the same in every layout, and the same for every rank that asks.
 */
export interface Part {
  readonly rows: number;
  readonly x: Float64Array;
  readonly dy: Float64Array;
}

export function partOf(id: string, rank: number, rows: number, channels: number, dtype: Dtype, offset: number): Part {
  const { normal } = random(`${id}|${rank}`);
  const round = dtype === "float32" ? Math.fround : (value: number) => value;
  const draw = (mean: (c: number) => number) => {
    return Float64Array.from({ length: rows * channels }, (_, i) => round(mean(i % channels) + normal()));
  };
  // Ranks also differ in their means, so that merging takes more than the variances within ranks.
  return { rows, x: draw((c) => offset * (c + 1) + rank), dy: draw((c) => 0.1 * c - 0.2 * rank) };
}

export function concatenated(parts: readonly Part[]): Part {
  const join = (of: (part: Part) => Float64Array) => Float64Array.from(parts.flatMap((part) => [...of(part)]));
  return { rows: parts.reduce((sum, { rows }) => sum + rows, 0), x: join(({ x }) => x), dy: join(({ dy }) => dy) };
}

/** Converts rows of channels to a tensor [outer][channels][inner], and back. */
export function fromRows(rows: ArrayLike<number>, g: Geometry): Float64Array {
  return mapped(
    g,
    (row, c) => rows[row * g.channels + c] as number,
    (i, value, out) => {
      out[i] = value;
    },
  );
}

export function toRows(values: ArrayLike<number>, g: Geometry): Float64Array {
  return mapped(
    g,
    (_, __, i) => values[i] as number,
    (_, value, out, row, c) => {
      out[row * g.channels + c] = value;
    },
  );
}

function mapped(
  { outer, channels, inner }: Geometry,
  valueAt: (row: number, c: number, i: number) => number,
  put: (i: number, value: number, out: Float64Array, row: number, c: number) => void,
): Float64Array {
  const out = new Float64Array(outer * channels * inner);
  let i = 0;
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      for (let k = 0; k < inner; k++, i++) put(i, valueAt(o * inner + k, c, i), out, o * inner + k, c);
    }
  }
  return out;
}
