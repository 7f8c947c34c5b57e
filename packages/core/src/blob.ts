import {
  type Backend,
  CONTRACT_VERSION,
  type DeviceBuffer,
  type Dtype,
  type HostArray,
  type HostBuffer,
} from "./backend.ts";
import { BnError } from "./errors.ts";
import { type ArrayOf, hostValues, newHostArray } from "./host-values.ts";
import { bufferOf, createMemory, freeBuffers, MEMORY, type Memory, setShape } from "./memory.ts";
import { canonicalAxis, checkShape, countOf, type Shape, shapeText } from "./shape.ts";
import { stampOf } from "./stamps.ts";
import { textOf } from "./text.ts";

/**
 * Caffe's Blob: an N-dimensional array in row-major order, with its gradient. A blob stays on one backend. `data` and
 * `diff` are allocated, and set to zero, on first use.
 *
 * Whoever creates a blob disposes it. Every method of a disposed blob, or of one whose backend is disposed, throws
 * `ERR_BN_DISPOSED`.
 *
 * Source: Caffe blob.hpp, blob.cpp; docs/spec.md B-1 to B-5.
 *
 * @example
 * ```ts
 * import { createBlob } from "@bn/core";
 * import { createCpu } from "@bn/cpu";
 * const cpu = await createCpu();
 * const blob = createBlob(cpu, [2, 3]);
 * blob.write([1, 2, 3, 4, 5, 6]);
 * console.log(blob.count(1), await blob.read()); // 3 Float32Array(6) [ 1, 2, 3, 4, 5, 6 ]
 * ```
 */
export interface Blob<B extends DeviceBuffer = DeviceBuffer, D extends Dtype = Dtype> extends Disposable {
  readonly backend: Backend<B>;
  readonly dtype: D;
  /** Frozen; a blob without axes is a scalar. */
  readonly shape: Shape;
  readonly numAxes: number;
  readonly disposed: boolean;
  /** Number of elements in the axes [start, end), all by default; 1 where the range is empty. Axes may be negative. */
  count(start?: number, end?: number): number;
  /** `axis` counted from the front: -1 is the last. Throws `ERR_BN_SHAPE` if the blob has no such axis. */
  canonicalAxis(axis: number): number;
  /**
   * Changes the shape. While the new count fits in the memory, the memory and its contents are kept; otherwise both
   * buffers are allocated anew.
   */
  reshape(shape: Shape): void;
  /** The buffer of values. It can be longer than `count()` after the blob has shrunk. */
  readonly data: B;
  /** The buffer of gradients, as long as `data`. */
  readonly diff: B;
  /** Copies `count()` numbers into `data`, rounded to the dtype. `values` may be a view of any blob's memory. */
  write(values: ArrayLike<number>): void;
  writeDiff(values: ArrayLike<number>): void;
  /**
   * Resolves to a copy of `data` after all work queued before: a Float32Array or a Float64Array, according to the
   * blob's dtype. Rejects with `ERR_BN_DEVICE` if that work failed.
   */
  read(): Promise<ArrayOf<D>>;
  readDiff(): Promise<ArrayOf<D>>;
  /** Frees both buffers. A second call does nothing. */
  dispose(): void;
}

/**
 * Creates a blob of `shape`. By default it is float32 and empty ([0]), because a layer reshapes its tops itself.
 * `data`, a live buffer of this backend, holds its values. The blob disposes that buffer, and replaces it when the blob
 * grows beyond it.
 *
 * Errors: `ERR_BN_SHAPE` (not an array, a negative or fractional dimension, over 32 axes, over 2^31 - 1 elements, more
 * elements than `data` holds), `ERR_BN_BACKEND` (a dtype that the backend does not support, `data` of another dtype or
 * of another backend, a backend for another version of the contract), `ERR_BN_DISPOSED` (`data`, or the backend, was
 * disposed), `ERR_BN_PARAM` (the first argument is not a backend, but e.g. the promise of one).
 */
export function createBlob<B extends DeviceBuffer, D extends Dtype = "float32">(
  backend: Backend<B>,
  shape: Shape = [0],
  dtype: D = "float32" as D,
  data: B | null = null,
): Blob<B, D> {
  checkBackend(backend);
  if (!backend.supports.dtypes.includes(dtype)) {
    throw new BnError(
      "ERR_BN_BACKEND",
      `createBlob: backend "${backend.name}" does not support ${typeof dtype === "string" ? dtype : `dtype ${textOf(dtype)}`}, only ${backend.supports.dtypes.join(", ")}`,
    );
  }
  const checked = checkShape("createBlob", shape);
  if (data !== null) checkData(backend, checked, dtype, data);
  return new BlobOnBackend<B, D>(createMemory(backend, checked, dtype, data), dtype);
}

function checkBackend(backend: Backend): void {
  const given: unknown = backend;
  if (typeof given !== "object" || given === null || !("contractVersion" in given)) {
    const cure =
      given instanceof Promise
        ? "; await the function that creates it, e.g. await createCpu()"
        : ", e.g. of createCpu()";
    throw new BnError("ERR_BN_PARAM", `createBlob: backend is ${textOf(given)}, expected a backend${cure}`);
  }
  if (backend.contractVersion !== CONTRACT_VERSION) {
    throw new BnError(
      "ERR_BN_BACKEND",
      `createBlob: backend "${backend.name}" has contractVersion ${textOf(backend.contractVersion)}, this core expects ${CONTRACT_VERSION}; install matching versions, or update the backend to contract ${CONTRACT_VERSION} (docs/adding-a-backend.md)`,
    );
  }
  if (backend.disposed) {
    throw new BnError("ERR_BN_DISPOSED", `createBlob: backend "${backend.name}" was disposed; create a new one`);
  }
}

function checkData<B extends DeviceBuffer>(backend: Backend<B>, shape: Shape, dtype: Dtype, data: B): void {
  const given: unknown = data;
  if (typeof given !== "object" || given === null || !("length" in given && "dtype" in given)) {
    throw new BnError(
      "ERR_BN_PARAM",
      `createBlob: data is ${textOf(given)}, expected a buffer of backend.alloc() or null`,
    );
  }
  if (data.dtype !== dtype) {
    throw new BnError(
      "ERR_BN_BACKEND",
      `createBlob: data is ${textOf(data.dtype)}, the blob ${dtype}; use one dtype for both`,
    );
  }
  if (!backend.owns(data)) {
    const cause = refusalOf(backend, data, dtype);
    const disposed = cause instanceof Error && "code" in cause && cause.code === "ERR_BN_DISPOSED";
    throw new BnError(
      disposed ? "ERR_BN_DISPOSED" : "ERR_BN_BACKEND",
      disposed
        ? "createBlob: data was disposed; alloc a new buffer"
        : `createBlob: data is not a buffer of this backend "${backend.name}"; read() it on its own backend, and write() the values to this blob`,
      { cause },
    );
  }
  if (!(data.length >= countOf(shape))) {
    throw new BnError(
      "ERR_BN_SHAPE",
      `createBlob: data has ${textOf(data.length)} elements, shape ${shapeText(shape)} needs ${countOf(shape)}`,
    );
  }
}

/**
 * The reason why a backend does not own a buffer. Writing no values into the buffer makes the backend refuse it and say
 * whether it was disposed.
 */
function refusalOf<B extends DeviceBuffer>(backend: Backend<B>, data: B, dtype: Dtype): unknown {
  try {
    backend.write(data, newHostArray(dtype, 0));
  } catch (error) {
    return error;
  }
  return undefined;
}

class BlobOnBackend<B extends DeviceBuffer, D extends Dtype> implements Blob<B, D> {
  readonly [MEMORY]: Memory<B>;
  readonly backend: Backend<B>;
  readonly dtype: D;

  constructor(memory: Memory<B>, dtype: D) {
    this[MEMORY] = memory;
    this.backend = memory.backend;
    this.dtype = dtype;
  }

  get shape(): Shape {
    return this[MEMORY].shape;
  }

  get numAxes(): number {
    return this.shape.length;
  }

  get disposed(): boolean {
    return this[MEMORY].disposed || this.backend.disposed;
  }

  count(start = 0, end = this.shape.length): number {
    return countOf(this.shape, this.#bound("start", start), this.#bound("end", end));
  }

  canonicalAxis(axis: number): number {
    return canonicalAxis("Blob canonicalAxis", this.shape, axis);
  }

  reshape(shape: Shape): void {
    this.#check("reshape");
    setShape(this[MEMORY], checkShape("Blob reshape", shape));
  }

  get data(): B {
    return this.#buffer("data");
  }

  get diff(): B {
    return this.#buffer("diff");
  }

  write(values: ArrayLike<number>): void {
    this.#write("write", "data", values);
  }

  writeDiff(values: ArrayLike<number>): void {
    this.#write("writeDiff", "diff", values);
  }

  // Not `async`, so that the use of a disposed blob throws at the call, as everywhere else.
  read(): Promise<ArrayOf<D>> {
    return this.backend.read(this.data, this[MEMORY].count) as Promise<ArrayOf<D>>;
  }

  readDiff(): Promise<ArrayOf<D>> {
    return this.backend.read(this.diff, this[MEMORY].count) as Promise<ArrayOf<D>>;
  }

  dispose(): void {
    this[MEMORY].disposed = true;
    freeBuffers(this[MEMORY]);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #buffer(part: "data" | "diff"): B {
    this.#check(part);
    const buffer = bufferOf(this[MEMORY], part);
    if (this.backend.owns(buffer)) return buffer;
    throw new BnError(
      "ERR_BN_DISPOSED",
      `Blob ${part}: the buffer of the blob (shape ${shapeText(this.shape)}) was disposed by other code, and only the blob may do that; create a new blob`,
    );
  }

  #write(method: string, part: "data" | "diff", values: ArrayLike<number>): void {
    this.#check(method);
    const memory = this[MEMORY];
    const { shape, count } = memory;
    const source = hostValues(`Blob ${method}`, values, this.dtype, count, shape);
    if (memory.shape !== shape) {
      throw new BnError(
        "ERR_BN_STATE",
        `Blob ${method}: the blob was reshaped while its values were read; write() again`,
      );
    }
    const offset = source.byteOffset;
    const target = this.#buffer(part);
    stampOf(target).writes++;
    this.backend.write(target, source.length === count ? source : movedView(target, source, offset, count));
  }

  #check(method: string): void {
    if (this[MEMORY].disposed) {
      throw new BnError(
        "ERR_BN_DISPOSED",
        `Blob ${method}: the blob (shape ${shapeText(this.shape)}) was disposed; create a new one`,
      );
    }
    if (this.backend.disposed) {
      throw new BnError(
        "ERR_BN_DISPOSED",
        `Blob ${method}: backend "${this.backend.name}" was disposed; create a new one`,
      );
    }
  }

  /** Resolves one end of a range of axes: 0 to numAxes, or negative to count from the end. */
  #bound(name: string, axis: number): number {
    const axes = this.shape.length;
    if (!Number.isInteger(axis) || axis < -axes || axis > axes) {
      throw new BnError(
        "ERR_BN_SHAPE",
        `Blob count: ${name} is ${textOf(axis)}, expected a whole number from ${-axes} to ${axes} for shape ${shapeText(this.shape)}`,
      );
    }
    return axis < 0 ? axis + axes : axis;
  }
}

/**
 * `source` was a view of the backend's own memory, and allocating `target` moved that memory: WebAssembly.Memory.grow
 * detaches every view and keeps every address. The same bytes lie at the same offset of the memory that holds `target`.
 */
function movedView(target: DeviceBuffer, source: HostArray, offset: number, count: number): HostArray {
  const { buffer } = (target as HostBuffer).view;
  return source instanceof Float32Array
    ? new Float32Array(buffer, offset, count)
    : new Float64Array(buffer, offset, count);
}
