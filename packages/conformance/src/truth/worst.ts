import type { Dtype, Geometry } from "@bn/core";
import type { Comparison } from "../case.ts";
import { indexOf } from "./compare.ts";

/** The element whose error is largest in units of its bound, while a loop goes over a tensor. */
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

  /** Element `i` should be hi + lo, within `bound` and the 2^-53 |hi| of rounding the truth. */
  add(i: number, got: number, hi: number, lo: number, bound: number): void {
    const error = Math.abs(got - hi - lo);
    const allowed = bound + Math.abs(hi) * 2 ** -53;
    // Also false where anything is not a number.
    if (error <= this.#ratio * allowed) return;
    this.#note(i, got, hi, error, allowed);
  }

  #note(i: number, got: number, hi: number, error: number, allowed: number): void {
    const expected = Math.abs(hi) >= this.#overflow ? hi * Number.POSITIVE_INFINITY : hi;
    const equal = got === expected || (Number.isNaN(got) && Number.isNaN(expected));
    const honest = Number.isFinite(expected) && allowed < Number.POSITIVE_INFINITY && !Number.isNaN(error);
    const ratio = equal || error === 0 ? 0 : honest ? error / allowed : Number.POSITIVE_INFINITY;
    if (ratio <= this.#ratio) return;
    this.#ratio = ratio;
    [this.#at, this.#got, this.#expected, this.#bound] = [i, got, expected, allowed];
    this.#error = ratio === 0 ? 0 : Math.abs(got - expected);
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
