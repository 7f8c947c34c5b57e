import type { Geometry } from "@bn/core";

/** Channels that the reductions and maps of a channels-last tensor take at a time: what `Scratch` holds. */
export const CHANNEL_BLOCK = 1024;

/** Elements of a tile: with its outputs it stays in the 32 to 48 KiB of the first cache. */
const TILE = 4096;

/** Values of a channel lie `channels` apart: loops walk tiles of a few whole rows instead of one channel at a time. */
export function isChannelsLast({ channels, inner }: Geometry): boolean {
  return inner === 1 && channels > 1;
}

/** Rows of a channels-last tile: at least 4, so that what is loaded for a channel is used more than once. */
export function tileRows(channels: number): number {
  return Math.max(4, Math.floor(TILE / channels));
}

/** One channel is one run of memory, whatever its shape. */
export function collapse(g: Geometry): Geometry {
  return g.channels === 1 && g.outer > 1 ? { outer: 1, channels: 1, inner: g.outer * g.inner } : g;
}
