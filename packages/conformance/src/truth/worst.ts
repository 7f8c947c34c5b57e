import type { Dtype, Geometry } from "@bn/core";
import type { Comparison } from "../case.ts";
import { indexOf } from "./compare.ts";

/**
 * Tracks the element whose error is largest in units of its bound, while a loop goes over a tensor. The loop compares
 * each error with `ratio` times the bound, and calls `add` only if the error is larger or one of the two is not finite.
 */
export class Worst {
  readonly #overflow: number;
  #ratio = -1;
  #at = 0;
  #got = 0;
  #expected = 0;
  #error = 0;
  #bound = 0;

  constructor(dtype: Dtype) {
    // The largest number that rounds to a finite one.
    this.#overflow = dtype === "float32" ? 2 ** 128 - 2 ** 103 : Number.POSITIVE_INFINITY;
  }

  get ratio(): number {
    return this.#ratio;
  }

  /** Element `i` should be hi + lo, within `bound` plus 2^-53 |hi| for rounding the truth. Returns the new `ratio`. */
  add(i: number, got: number, hi: number, lo: number, bound: number): number {
    const error = Math.abs(got - hi - lo);
    const allowed = bound + Math.abs(hi) * 2 ** -53;
    const expected = Math.abs(hi) >= this.#overflow ? hi * Number.POSITIVE_INFINITY : hi;
    const equal = got === expected || (Number.isNaN(got) && Number.isNaN(expected));
    const honest = Number.isFinite(expected) && allowed < Number.POSITIVE_INFINITY && !Number.isNaN(error);
    const ratio = equal || error === 0 ? 0 : honest ? error / allowed : Number.POSITIVE_INFINITY;
    if (ratio > this.#ratio) {
      this.#ratio = ratio;
      this.#at = i;
      this.#got = got;
      this.#expected = expected;
      this.#bound = allowed;
      this.#error = ratio === 0 ? 0 : Math.abs(got - expected);
    }
    return this.#ratio;
  }

  comparison(what: string, g: Geometry): Comparison {
    return {
      what,
      error: this.#error,
      bound: this.#bound,
      ratio: Math.max(this.#ratio, 0),
      at: indexOf(this.#at, g),
      got: this.#got,
      expected: this.#expected,
    };
  }
}
