import type { DeviceBuffer } from "./backend.ts";

/**
 * Counts how often core has written to a buffer. It belongs to the buffer, not to a blob, because two blobs may share a
 * buffer.
 */
export interface Stamp {
  writes: number;
}

const stamps = new WeakMap<DeviceBuffer, Stamp>();

export function stampOf(buffer: DeviceBuffer): Stamp {
  const known = stamps.get(buffer);
  if (known !== undefined) return known;
  const made = { writes: 0 };
  stamps.set(buffer, made);
  return made;
}

/** The stamps of those buffers that exist. */
export function stampsOf(buffers: readonly (DeviceBuffer | null | undefined)[]): readonly Stamp[] {
  return buffers.filter((buffer) => buffer !== null && buffer !== undefined).map(stampOf);
}

export function countWrites(written: readonly Stamp[]): void {
  for (let i = 0; i < written.length; i++) (written[i] as Stamp).writes++;
}
