import { BnError, type Dtype, type HostArray } from "@bn/core";
import type { WasmBuffer } from "./buffer.ts";
import type { Heap } from "./heap.ts";

/** The backend's buffers. Each is a block of the heap. */
export class Block implements WasmBuffer {
  readonly dtype: Dtype;
  readonly length: number;
  readonly #heap: Heap;
  #address: number;
  #view: HostArray | null = null;

  /** Errors: `ERR_BN_MEMORY` if no memory is left. */
  constructor(heap: Heap, dtype: Dtype, length: number) {
    this.#heap = heap;
    this.dtype = dtype;
    this.length = length;
    this.#address = heap.take(length * sizeOf(dtype), `${length} ${dtype}`);
    Object.freeze(this); // core checks calls against dtype and length, so they must not change
  }

  /** Whether `buffer` is a block of `heap`, disposed or not. */
  static isOf(heap: Heap, buffer: unknown): buffer is Block {
    return typeof buffer === "object" && buffer !== null && #heap in buffer && buffer.#heap === heap;
  }

  get disposed(): boolean {
    return this.#address < 0;
  }

  get address(): number {
    if (this.#address >= 0 && !this.#heap.closed) return this.#address;
    throw new BnError(
      "ERR_BN_DISPOSED",
      `wasm: a buffer of ${this.length} ${this.dtype} was used after its dispose(), or its backend's; alloc a new one`,
    );
  }

  /** Created again after memory has grown, because growth detaches the last view. */
  get view(): HostArray {
    const { address } = this;
    const { buffer } = this.#heap.memory;
    if (this.#view?.buffer !== buffer) {
      const HostType = this.dtype === "float32" ? Float32Array : Float64Array;
      this.#view = new HostType(buffer, address, this.length);
    }
    return this.#view as HostArray;
  }

  dispose(): void {
    if (this.#address < 0) return;
    this.#heap.give(this.#address, this.length * sizeOf(this.dtype));
    this.#address = -1;
    this.#view = null;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function sizeOf(dtype: Dtype): number {
  return dtype === "float32" ? 4 : 8;
}
