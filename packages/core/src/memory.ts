import type { Backend, DeviceBuffer, Dtype, Geometry } from "./backend.ts";
import { countOf, type Shape, sameShape } from "./shape.ts";

/**
 * The key under which a Blob keeps its Memory. The symbol is registered, so that blobs of another copy of this version
 * of core work with our layers. Blobs of another version are refused.
 */
export const MEMORY: unique symbol = Symbol.for("@bn/core/blob/2");

/**
 * The parts of a Blob. Layers work on these rather than on the Blob, so that buffers are replaced only once all of them
 * are allocated.
 */
export interface Memory<B extends DeviceBuffer = DeviceBuffer> {
  readonly backend: Backend<B>;
  readonly dtype: Dtype;
  shape: Shape;
  count: number;
  /** The number of elements that data and diff hold, or will hold when they are allocated. */
  capacity: number;
  data: B | null;
  diff: B | null;
  disposed: boolean;
  /** Counts changes of all fields above. As long as it is unchanged, earlier checks still hold. */
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

/** The memory of a Blob, or null if `value` is not a Blob. */
export function memoryOf(value: unknown): Memory | null {
  if (typeof value !== "object" || value === null) return null;
  return (value as { readonly [MEMORY]?: Memory })[MEMORY] ?? null;
}

/** The buffer of values or of gradients. It is allocated if it does not exist yet. */
export function bufferOf<B extends DeviceBuffer>(memory: Memory<B>, part: "data" | "diff"): B {
  const buffer = memory[part];
  if (buffer !== null) return buffer;
  const made = memory.backend.alloc(memory.dtype, memory.capacity);
  memory[part] = made;
  memory.version++;
  return made;
}

/** Gives `memory` a shape. Buffers are kept if the shape fits in them; otherwise both are allocated anew (B-4). */
export function setShape(memory: Memory, shape: Shape): void {
  if (sameShape(memory.shape, shape)) return; // keeps the frozen shape object, so that earlier checks still hold
  const count = countOf(shape);
  if (startsAnew(memory, count)) {
    freeBuffers(memory);
    memory.capacity = count;
  }
  memory.shape = shape;
  memory.count = count;
  memory.version++;
}

/**
 * Whether the buffers are replaced. A blob that was never used also takes a smaller capacity, so that a smaller shape
 * works after an allocation that failed.
 */
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

/** The shape and buffers of one blob that a call needs. */
export interface Want {
  readonly memory: Memory;
  readonly shape: Shape;
  readonly data: boolean;
  readonly diff: boolean;
}

/** Asks for these buffers of `memory` and for `shape`, by default its current shape. */
export function want(memory: Memory, part: "none" | "data" | "diff" | "both", shape: Shape = memory.shape): Want {
  return { memory, shape, data: part === "data" || part === "both", diff: part === "diff" || part === "both" };
}

/**
 * Acquires everything that a call needs, or nothing. It allocates every buffer that is missing or too short and lets
 * the backend reserve room for its kernels over `g`. Only then does it give the blobs their shapes and buffers. If
 * anything fails, it frees what it allocated, and no blob has changed. Until then old and new buffers exist at the same
 * time. `last` is a step that may fail after all allocations; it gets the data buffer that a want has or will have.
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

/** Sets all elements of new memory, which is zero so far. */
export function fill(memory: Memory | undefined, value: number): void {
  if (memory === undefined || value === 0) return;
  memory.backend.kernels.fill(memory.count, value, bufferOf(memory, "data"));
}
