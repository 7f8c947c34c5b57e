import type { Backend, DeviceBuffer, Dtype, Geometry } from "./backend.ts";
import { countOf, type Shape, sameShape } from "./shape.ts";

/**
 * Where a Blob keeps its Memory. The symbol is registered, so that blobs of another copy of this version of core work
 * with our layers; blobs of another version are refused.
 */
export const MEMORY: unique symbol = Symbol.for("@bn/core/blob/2");

/** What a blob consists of. Layers work on it rather than on the Blob: buffers are swapped when all of them could be had. */
export interface Memory<B extends DeviceBuffer = DeviceBuffer> {
  readonly backend: Backend<B>;
  readonly dtype: Dtype;
  shape: Shape;
  count: number;
  /** Elements that data and diff hold, or will hold when they are allocated. */
  capacity: number;
  data: B | null;
  diff: B | null;
  disposed: boolean;
  /** Counts changes of everything above: while it stays, what was checked still holds. */
  version: number;
}

export function createMemory<B extends DeviceBuffer>(
  backend: Backend<B>,
  shape: Shape,
  dtype: Dtype,
  data: B | null,
): Memory<B> {
  const count = countOf(shape);
  const capacity = Math.max(count, data?.length ?? 0);
  return { backend, dtype, shape, count, capacity, data, diff: null, disposed: false, version: 0 };
}

/** The memory of a Blob, or null where `value` is none. */
export function memoryOf(value: unknown): Memory | null {
  if (typeof value !== "object" || value === null) return null;
  return (value as { readonly [MEMORY]?: Memory })[MEMORY] ?? null;
}

/** The buffer of values or of gradients, allocated where there is none yet. */
export function bufferOf<B extends DeviceBuffer>(memory: Memory<B>, part: "data" | "diff"): B {
  const buffer = memory[part];
  if (buffer !== null) return buffer;
  const made = memory.backend.alloc(memory.dtype, memory.capacity);
  memory[part] = made;
  memory.version++;
  return made;
}

/** Gives `memory` a shape: buffers are kept while it fits in them; else both start again (B-4). */
export function setShape(memory: Memory, shape: Shape): void {
  if (sameShape(memory.shape, shape)) return; // the frozen shape stays, and with it all that was checked
  const count = countOf(shape);
  if (startsAnew(memory, count)) {
    freeBuffers(memory);
    memory.capacity = count;
  }
  memory.shape = shape;
  memory.count = count;
  memory.version++;
}

/** A blob that nobody has used yet also gets a smaller capacity: after an allocation that failed, a smaller shape must do. */
function startsAnew(memory: Memory, count: number): boolean {
  return count > memory.capacity || (memory.data === null && memory.diff === null);
}

export function freeBuffers(memory: Memory): void {
  memory.data?.dispose();
  memory.diff?.dispose();
  memory.data = null;
  memory.diff = null;
  memory.version++;
}

/** What a call needs of one blob: this shape, and these buffers. */
export interface Want {
  readonly memory: Memory;
  readonly shape: Shape;
  readonly data: boolean;
  readonly diff: boolean;
}

/** `memory` with these buffers and `shape`, by default its current one. */
export function want(memory: Memory, part: "none" | "data" | "diff" | "both", shape: Shape = memory.shape): Want {
  return { memory, shape, data: part === "data" || part === "both", diff: part === "diff" || part === "both" };
}

/**
 * All that a call needs, or nothing: allocates every buffer that is missing or too short, lets the backend reserve room for
 * its kernels over `g`, and only then gives the blobs their shapes and buffers. Where anything fails, what was allocated is
 * freed and no blob has changed. Until then old and new buffers exist side by side. `last` is what may fail after all that; it is
 * told the data that a want has or will have.
 */
export function acquire(
  backend: Backend,
  dtype: Dtype,
  wants: readonly Want[],
  g: Geometry | null,
  last?: (dataOf: (index: number) => DeviceBuffer | null) => void,
): void {
  const fresh: (DeviceBuffer | null)[] = [];
  try {
    for (const { memory, shape, data, diff } of wants) {
      const count = countOf(shape);
      const anew = startsAnew(memory, count);
      const length = anew ? count : memory.capacity;
      fresh.push(data && (anew || memory.data === null) ? backend.alloc(dtype, length) : null);
      fresh.push(diff && (anew || memory.diff === null) ? backend.alloc(dtype, length) : null);
    }
    if (g !== null) backend.reserve?.(dtype, g);
    last?.((index) => fresh[2 * index] ?? wants[index]?.memory.data ?? null);
  } catch (error) {
    for (const buffer of fresh) buffer?.dispose();
    throw error;
  }
  for (const [i, { memory, shape }] of wants.entries()) {
    setShape(memory, shape);
    const data = fresh[2 * i];
    const diff = fresh[2 * i + 1];
    if (data) memory.data = data;
    if (diff) memory.diff = diff;
    if (data || diff) memory.version++;
  }
}

/** Sets the whole of new memory, which starts at zero. */
export function fill(memory: Memory | undefined, value: number): void {
  if (memory === undefined || value === 0) return;
  memory.backend.kernels.fill(memory.count, value, bufferOf(memory, "data"));
}
