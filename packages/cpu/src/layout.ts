import type { Geometry } from "@bn/core";

/**
 * The number of channels of a channels-last tensor that reductions and maps process at a time: the size of `Scratch`.
 */
export const CHANNEL_BLOCK = 1024;

/** The number of elements of a tile. With its outputs it stays within the 32 to 48 KiB of the first-level cache. */
const TILE = 4096;

/**
 * Whether values of a channel lie `channels` apart. Loops then walk tiles of a few whole rows instead of one channel at
 * a time.
 */
export function isChannelsLast({ channels, inner }: Geometry): boolean {
  return inner === 1 && channels > 1;
}

/** The rows of a channels-last tile: at least 16, so that coefficients and sums are loaded once per 16 of their uses. */
export function tileRows(channels: number): number {
  return Math.max(16, Math.floor(TILE / channels));
}

/** A single channel is one contiguous run of memory, whatever its shape. */
export function collapse(g: Geometry): Geometry {
  return g.channels === 1 && g.outer > 1 ? { outer: 1, channels: 1, inner: g.outer * g.inner } : g;
}
