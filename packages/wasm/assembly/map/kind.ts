/**
 * Both maps write one element per element:
 *
 *   Normalize (normalize, scale)   y from x
 *   Gradient (gradNormalize)       dx from dy and x
 *
 * They are types, so that one walk (map/walk.ts) is compiled for each. The size of the type is the number of tensors that
 * are read. The functions below call the map's own.
 */
import { carefulGradient, carefulNormalize } from "../careful/maps";
import * as gradient from "./grad-normalize";
import * as normalize from "./normalize";

@unmanaged
export class Normalize {
  x: u8;
}

@unmanaged
export class Gradient {
  dy: u8;
  x: u8;
}

function isGradient<K>(): bool {
  return offsetof<K>() === 2;
}

/** The number of tensors that are read or written. */
export function tensors<K>(): u32 {
  return offsetof<K>() + 1;
}

/**
 * Computes the coefficients of n channels into tables that begin at `into`. Returns true if the ordinary map is right for all of
 * them.
 */
export function openChannels<T, K>(into: usize, first: u32, n: u32): bool {
  if (isGradient<K>()) return gradient.openChannels<T>(into, first, n);
  return normalize.openChannels<T>(into, first, n);
}

/** The same for a tile's channels, spread over its columns. */
export function openTile<T, K>(): bool {
  return isGradient<K>() ? gradient.openTile<T>() : normalize.openTile<T>();
}

/** Whether the ordinary map is right for a channel, whose coefficients lie at `at`. */
export function isInRange<T, K>(channel: u32, at: usize): bool {
  return isGradient<K>() ? gradient.isInRange<T>(channel, at) : normalize.isInRange<T>(channel, at);
}

/** Maps a channel in numbers of a wider range. Returns false, without writing, if that does not help. */
export function mapCarefully<T, K>(channel: u32): bool {
  return isGradient<K>() ? carefulGradient<T>(channel) : carefulNormalize<T>(channel);
}

/**
 * Maps n elements that follow one another: the `rest` of a channel's row, whose coefficients lie at `at`, then rows of
 * the channels after it; the first channel follows the last one.
 */
export function mapRows<T, K>(offset: usize, n: u32, rest: u32, at: usize): void {
  if (isGradient<K>()) gradient.mapRows<T>(offset, n, rest, at);
  else normalize.mapRows<T>(offset, n, rest, at);
}

/** Maps n columns of some rows, the first one and others `far` bytes apart. */
export function mapGroup<T, K>(row: u32, rows: u32, far: usize, column: u32, n: u32): void {
  if (isGradient<K>()) gradient.mapGroup<T>(row, rows, far, column, n);
  else normalize.mapGroup<T>(row, rows, far, column, n);
}

/** Maps the first n columns of one row. */
export function mapStart<T, K>(offset: usize, n: u32): void {
  if (isGradient<K>()) gradient.mapStart<T>(offset, n);
  else normalize.mapStart<T>(offset, n);
}
