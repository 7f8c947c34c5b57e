import type { Dtype, HostArray } from "@bn/core";
import { hostArray } from "../data.ts";

/** Arrays that nobody uses now, by dtype and by the power of two that is their length. */
const free: Readonly<Record<Dtype, Map<number, HostArray[]>>> = { float32: new Map(), float64: new Map() };
/** How many of one length wait for their next use. */
const KEPT = 6;

/**
 * Memory of one row's operands on the host, taken from rows before it: fresh memory for each tensor costs more than what
 * is written there, and the collection of garbage more than that. Whoever takes an array writes all of it.
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

  /** All that were taken are free for others. */
  release(): void {
    const lists = free[this.#dtype];
    for (const whole of this.#taken.splice(0)) {
      const list = lists.get(whole.length) ?? [];
      lists.set(whole.length, list);
      if (list.length < KEPT) list.push(whole);
    }
  }
}
