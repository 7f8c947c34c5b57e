import { BnError, type Dtype, type HostArray, type HostBuffer } from "@bn/core";

/** A buffer whose `view` is a typed array of its dtype. */
export class CpuBuffer implements HostBuffer {
  readonly dtype: Dtype;
  readonly length: number;
  readonly #owner: object;
  #view: HostArray | null;

  /** `owner` identifies the backend. Errors: `ERR_BN_MEMORY` if the array cannot be allocated. */
  constructor(owner: object, dtype: Dtype, length: number) {
    this.#owner = owner;
    this.dtype = dtype;
    this.length = length;
    this.#view = allocate(dtype, length);
    Object.freeze(this); // core checks calls against dtype and length, so they must not change
  }

  /** Whether `buffer` was made for `owner`, disposed or not. */
  static isOf(owner: object, buffer: unknown): buffer is CpuBuffer {
    return typeof buffer === "object" && buffer !== null && #owner in buffer && buffer.#owner === owner;
  }

  get disposed(): boolean {
    return this.#view === null;
  }

  get view(): HostArray {
    if (this.#view !== null) return this.#view;
    throw new BnError(
      "ERR_BN_DISPOSED",
      `cpu: a buffer of ${this.length} ${this.dtype} was used after dispose(); alloc a new one`,
    );
  }

  dispose(): void {
    this.#view = null;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function allocate(dtype: Dtype, length: number): HostArray {
  const HostType = dtype === "float32" ? Float32Array : Float64Array;
  try {
    return new HostType(length);
  } catch (error) {
    const bytes = length * HostType.BYTES_PER_ELEMENT;
    throw new BnError(
      "ERR_BN_MEMORY",
      `cpu alloc: out of memory for ${length} ${dtype}, ${bytes} bytes; dispose blobs that are no longer needed, or split the batch`,
      { cause: error },
    );
  }
}
