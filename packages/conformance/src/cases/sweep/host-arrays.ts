import type { Dtype, HostArray } from "@bn/core";
import { hostArray } from "../data.ts";

/** Unused arrays, by dtype and by their length, which is a power of two. */
const free: Readonly<Record<Dtype, Map<number, HostArray[]>>> = { float32: new Map(), float64: new Map() };
/** The number of unused arrays of one length that are kept. */
const KEPT = 6;

/**
 * Host memory for the operands of one row, reused from earlier rows: allocating it for each tensor costs more than
 * filling it, and garbage collection costs even more. The user of an array must write all of it.
 */
export class HostArrays {
  readonly #dtype: Dtype;
  readonly #taken: HostArray[] = [];

  constructor(dtype: Dtype) {
    this.#dtype = dtype;
  }

  take(length: number): HostArray {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(length, 1)));
    const whole = free[this.#dtype].get(capacity)?.pop() ?? hostArray(this.#dtype, capacity);
    this.#taken.push(whole);
    return whole.subarray(0, length);
  }

  /** Makes all arrays that were taken available again. */
  release(): void {
    const lists = free[this.#dtype];
    for (const whole of this.#taken.splice(0)) {
      const list = lists.get(whole.length) ?? [];
      lists.set(whole.length, list);
      if (list.length < KEPT) list.push(whole);
    }
  }
}
