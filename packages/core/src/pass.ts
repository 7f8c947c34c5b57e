import type { Backend, DeviceBuffer, Dtype, Geometry } from "./backend.ts";
import type { Blob } from "./blob.ts";
import { type Memory, memoryOf } from "./memory.ts";
import type { Stamp } from "./stamps.ts";

/**
 * A forward or a backward that was checked and prepared. It is prepared again only after something about its blobs has
 * changed, so that a call like the last one costs a few comparisons and allocates nothing.
 */
export interface Pass {
  readonly backend: Backend;
  readonly dtype: Dtype;
  readonly bottoms: readonly Memory[];
  readonly top: Memory;
  readonly geometry: Geometry;
  /** The stamps of the buffers that the kernels write. */
  readonly written: readonly Stamp[];
  /** Every blob that the checks looked at, with its version at that time. */
  readonly watched: readonly Memory[];
  readonly versions: readonly number[];
  /** The buffers of these blobs. Users can reach them, and so can dispose them. */
  readonly buffers: readonly DeviceBuffer[];
}

/** Whether `pass` was made for these blobs and none of them has changed since. */
export function isCurrent(pass: Pass, bottom: readonly Blob[], top: readonly Blob[]): boolean {
  const { backend, bottoms, watched, versions, buffers } = pass;
  if (!Array.isArray(bottom) || bottom.length !== bottoms.length || !Array.isArray(top) || top.length !== 1)
    return false;
  for (let i = 0; i < bottoms.length; i++) if (memoryOf(bottom[i]) !== bottoms[i]) return false;
  if (memoryOf(top[0]) !== pass.top || backend.disposed) return false;
  for (let i = 0; i < watched.length; i++) if ((watched[i] as Memory).version !== versions[i]) return false;
  for (let i = 0; i < buffers.length; i++) if (!backend.owns(buffers[i])) return false;
  return true;
}

export function versionsOf(watched: readonly Memory[]): readonly number[] {
  return watched.map((memory) => memory.version);
}

/** All buffers that these blobs have. */
export function buffersOf(memories: readonly Memory[]): readonly DeviceBuffer[] {
  return memories.flatMap(({ data, diff }) => [data, diff]).filter((buffer) => buffer !== null);
}
