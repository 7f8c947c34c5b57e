import type { Geometry } from "@bn/core";
import { type Random, random } from "../random.ts";

/** How much is covered: a run of seconds, of less than a minute, or everything. */
export type Tier = "quick" | "default" | "full";

const NEAR = (sizes: readonly number[]) => sizes.flatMap((n) => [n - 1, n, n + 1]);

/** Sizes at which vectors, unrolled loops, tiles, workgroups, threads and counters begin or end. */
const BOUNDARIES = [1, 2, 3, 4, 5, ...NEAR([8, 16, 32, 64, 128, 256, 512, 1024, 4096, 65_536])];

/** The side of its boundary on which a size lies: -1, 0 or 1; null for the small sizes, which have no boundary. */
export function sideOf(size: number): number | null {
  return size <= 5 ? null : size - 2 ** Math.round(Math.log2(size));
}

/** The coverage of a tier. `cap` bounds the elements of a tensor. Every size up to `upTo` occurs. */
export interface Extent {
  readonly sizes: readonly number[];
  /** Whether each size is combined with each kind of data in one channel. Otherwise kinds alternate. */
  readonly kindsInPairs: boolean;
  readonly cap: number;
  /**
   * Up to this product, sizes occur in all pairs and with all other choices of a row. Above it, each boundary is
   * combined with each other boundary on one side.
   */
  readonly dense: number;
  /** Up to this product, sizes occur in all pairs; above `dense`, with normal values only. */
  readonly pairs: number;
  /** The length of one dimension of a tensor beyond the cap, whose other dimensions are 1. For kernels only. 0: no such tensor. */
  readonly single: number;
  /** The cap for layers, whose calls cost several kernels each. */
  readonly layerCap: number;
  readonly upTo: number;
  /** The number of geometries between the boundaries that the seed draws. */
  readonly between: number;
  /** The largest size class of memory, in elements. */
  readonly memory: number;
}

export const EXTENTS: Readonly<Record<Tier, Extent>> = {
  quick: {
    sizes: [1, 2, 3, 4, 7, 17, 64, 257],
    kindsInPairs: false,
    cap: 2 ** 11,
    dense: 2 ** 9,
    pairs: 2 ** 9,
    single: 0,
    layerCap: 2 ** 9,
    upTo: 17,
    between: 4,
    memory: 2 ** 14,
  },
  default: {
    sizes: BOUNDARIES,
    kindsInPairs: true,
    cap: 2 ** 18,
    dense: 2 ** 13,
    pairs: 2 ** 18,
    single: 2 ** 18 + 1,
    layerCap: 2 ** 14,
    upTo: 130,
    between: 48,
    memory: 2 ** 22,
  },
  full: {
    sizes: BOUNDARIES,
    kindsInPairs: true,
    cap: 2 ** 22,
    dense: 2 ** 22,
    pairs: 2 ** 22,
    single: 2 ** 22 + 1,
    layerCap: 2 ** 18,
    upTo: 130,
    between: 200,
    memory: 2 ** 24,
  },
};

/** `single` for each of the dimensions. */
export function singles({ single }: Extent): Geometry[] {
  if (single === 0) return [];
  return [
    { outer: single, channels: 1, inner: 1 },
    { outer: 1, channels: single, inner: 1 },
    { outer: 1, channels: 1, inner: single },
  ];
}

export function sizeOf({ outer, channels, inner }: Geometry): number {
  return outer * channels * inner;
}

/**
 * Every outer, every number of channels and every inner from 1 to `upTo`, with few elements: inner falls as outer
 * rises, so that their product stays small, and channels go through all residues.
 */
export function everySize(upTo: number, cap: number): Geometry[] {
  const some = [1, 2, 3, 5];
  const all: Geometry[] = [];
  for (let n = 1; n <= upTo; n++) {
    const other = upTo + 1 - n;
    all.push({ outer: n, channels: some[n % some.length] as number, inner: other });
    all.push({
      outer: some[(n + 1) % some.length] as number,
      channels: n,
      inner: some[(n + 2) % some.length] as number,
    });
  }
  return all.filter((g) => sizeOf(g) <= cap);
}

/** Geometries between the boundaries, log-uniformly distributed, from the text of the seed alone. */
export function between(seed: string, count: number, cap: number): Geometry[] {
  const r = random(`between|${seed}`);
  return Array.from({ length: count }, () => {
    const total = logUniform(r, cap);
    const cuts = [r.uniform(), r.uniform()].sort((a, b) => a - b) as [number, number];
    const part = (share: number) => Math.max(1, Math.floor(total ** share));
    return { outer: part(cuts[0]), channels: part(cuts[1] - cuts[0]), inner: part(1 - cuts[1]) };
  });
}

function logUniform(r: Random, to: number): number {
  return to ** r.uniform();
}
