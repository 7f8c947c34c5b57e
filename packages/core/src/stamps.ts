import type { DeviceBuffer } from "./backend.ts";

/** How many times core has written to a buffer. It belongs to the buffer, not to a blob: two blobs may have the same one. */
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

/** The stamps of the buffers that there are. */
export function stampsOf(buffers: readonly (DeviceBuffer | null | undefined)[]): readonly Stamp[] {
  return buffers.filter((buffer) => buffer !== null && buffer !== undefined).map(stampOf);
}

export function countWrites(written: readonly Stamp[]): void {
  for (let i = 0; i < written.length; i++) (written[i] as Stamp).writes++;
}
