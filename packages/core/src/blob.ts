import { type Backend, CONTRACT_VERSION, type DeviceBuffer, type Dtype, type HostArray } from "./backend.ts";
import { BnError } from "./errors.ts";
import { canonicalAxis, checkShape, countOf, type Shape, shapeText } from "./shape.ts";

/**
 * Caffe's Blob: an N-dimensional array in row-major order, with its gradient beside it. It lives on one backend for
 * life; `data` and `diff` are allocated, zeroed, on first use.
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
export interface Blob<B extends DeviceBuffer = DeviceBuffer> extends Disposable {
  readonly backend: Backend<B>;
  readonly dtype: Dtype;
  /** Frozen; a blob without axes is a scalar. */
  readonly shape: Shape;
  readonly numAxes: number;
  readonly disposed: boolean;
  /** Number of elements in the axes [start, end), all by default; 1 where the range is empty. Axes may be negative. */
  count(start?: number, end?: number): number;
  /** `axis` counted from the front: -1 is the last. Throws `ERR_BN_SHAPE` where there is none. */
  canonicalAxis(axis: number): number;
  /** Changes the shape. Memory is kept while the count fits in it, and contents with it; else both buffers start anew. */
  reshape(shape: Shape): void;
  /** The buffer of values. It can be longer than `count()` after the blob has shrunk. */
  readonly data: B;
  /** The buffer of gradients, as long as `data`. */
  readonly diff: B;
  /** Copies `count()` numbers into `data`, rounded to the dtype. */
  write(values: ArrayLike<number>): void;
  writeDiff(values: ArrayLike<number>): void;
  /** A copy of `data`, after all work queued before. Rejects with `ERR_BN_DEVICE` if that work failed. */
  read(): Promise<HostArray>;
  readDiff(): Promise<HostArray>;
  /** Frees both buffers. Twice does no harm. */
  dispose(): void;
}

/**
 * A blob of `shape`, by default float32 and empty ([0]): a layer reshapes its tops itself. `data`, a buffer of this
 * backend, is where its values live; the blob disposes it, and leaves it for a longer one when it outgrows it.
 *
 * Errors: `ERR_BN_SHAPE` (negative or fractional dimension, over 32 axes, over 2^31 - 1 elements, more of them than
 * `data` holds), `ERR_BN_BACKEND` (a dtype that the backend has not, or `data` of another one).
 */
export function createBlob<B extends DeviceBuffer>(
  backend: Backend<B>,
  shape: Shape = [0],
  dtype: Dtype = "float32",
  data: B | null = null,
): Blob<B> {
  if (backend.contractVersion !== CONTRACT_VERSION) {
    throw new BnError(
      "ERR_BN_BACKEND",
      `createBlob: backend "${backend.name}" has contractVersion ${backend.contractVersion}, this core expects ${CONTRACT_VERSION}; install versions that fit, or bring the backend to contract ${CONTRACT_VERSION} (docs/adding-a-backend.md)`,
    );
  }
  if (!backend.supports.dtypes.includes(dtype)) {
    throw new BnError(
      "ERR_BN_BACKEND",
      `createBlob: backend "${backend.name}" has no ${dtype}, only ${backend.supports.dtypes.join(", ")}`,
    );
  }
  const checked = checkShape("createBlob", shape);
  if (data && data.dtype !== dtype) {
    throw new BnError("ERR_BN_BACKEND", `createBlob: data is ${data.dtype}, the blob ${dtype}; give both one dtype`);
  }
  if (data && data.length < countOf(checked)) {
    throw new BnError(
      "ERR_BN_SHAPE",
      `createBlob: data has ${data.length} elements, shape ${shapeText(checked)} needs ${countOf(checked)}`,
    );
  }
  return new BlobOnBackend(backend, checked, dtype, data);
}

class BlobOnBackend<B extends DeviceBuffer> implements Blob<B> {
  readonly backend: Backend<B>;
  readonly dtype: Dtype;
  #shape: Shape;
  #capacity: number;
  #data: B | null;
  #diff: B | null = null;
  #disposed = false;

  constructor(backend: Backend<B>, shape: Shape, dtype: Dtype, data: B | null) {
    this.backend = backend;
    this.dtype = dtype;
    this.#shape = shape;
    this.#capacity = Math.max(countOf(shape), data?.length ?? 0);
    this.#data = data;
  }

  get shape(): Shape {
    return this.#shape;
  }

  get numAxes(): number {
    return this.#shape.length;
  }

  get disposed(): boolean {
    return this.#disposed || this.backend.disposed;
  }

  count(start = 0, end = this.#shape.length): number {
    return countOf(this.#shape, this.#bound("start", start), this.#bound("end", end));
  }

  canonicalAxis(axis: number): number {
    return canonicalAxis("Blob canonicalAxis", this.#shape, axis);
  }

  reshape(shape: Shape): void {
    this.#check("reshape");
    const next = checkShape("Blob reshape", shape);
    const count = countOf(next);
    // What no shape needs any more is not asked for: after an allocation that failed, a smaller shape must do.
    const unused = this.#data === null && this.#diff === null;
    if (count > this.#capacity || unused) {
      this.#free();
      this.#capacity = count;
    }
    this.#shape = next;
  }

  get data(): B {
    this.#check("data");
    this.#data ??= this.backend.alloc(this.dtype, this.#capacity);
    return this.#data;
  }

  get diff(): B {
    this.#check("diff");
    this.#diff ??= this.backend.alloc(this.dtype, this.#capacity);
    return this.#diff;
  }

  write(values: ArrayLike<number>): void {
    const source = this.#source("write", values);
    this.backend.write(this.data, source);
  }

  writeDiff(values: ArrayLike<number>): void {
    const source = this.#source("writeDiff", values);
    this.backend.write(this.diff, source);
  }

  // Not `async`: a disposed blob is the caller's error and throws at the call, like everywhere else.
  read(): Promise<HostArray> {
    return this.backend.read(this.data, this.count());
  }

  readDiff(): Promise<HostArray> {
    return this.backend.read(this.diff, this.count());
  }

  dispose(): void {
    this.#disposed = true;
    this.#free();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #free(): void {
    this.#data?.dispose();
    this.#diff?.dispose();
    this.#data = null;
    this.#diff = null;
  }

  #check(method: string): void {
    if (this.#disposed) {
      throw new BnError(
        "ERR_BN_DISPOSED",
        `Blob ${method}: the blob (shape ${shapeText(this.#shape)}) was disposed; create a new one`,
      );
    }
    if (this.backend.disposed) {
      throw new BnError(
        "ERR_BN_DISPOSED",
        `Blob ${method}: backend "${this.backend.name}" was disposed; create a new one`,
      );
    }
  }

  /** An end of a range of axes: 0 to numAxes, or negative from the end. */
  #bound(name: string, axis: number): number {
    const axes = this.#shape.length;
    if (!Number.isInteger(axis) || axis < -axes || axis > axes) {
      throw new BnError(
        "ERR_BN_SHAPE",
        `Blob count: ${name} is ${axis}, expected a whole number from ${-axes} to ${axes} for shape ${shapeText(this.#shape)}`,
      );
    }
    return axis < 0 ? axis + axes : axis;
  }

  #source(method: string, values: ArrayLike<number>): HostArray {
    this.#check(method);
    const count = this.count();
    if (values.length !== count) {
      throw new BnError(
        "ERR_BN_SHAPE",
        `Blob ${method}: ${values.length} values, expected ${count} for shape ${shapeText(this.#shape)}; reshape() first`,
      );
    }
    const HostType = this.dtype === "float32" ? Float32Array : Float64Array;
    return values instanceof HostType ? values : HostType.from(values);
  }
}
