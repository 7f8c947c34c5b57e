/** Numbers with an exponent beside them: what is computed of them neither overflows nor underflows on the way. */

const value = new Float64Array(1);
const words = new Uint32Array(value.buffer);
/** Which of the two words has the exponent. */
const UPPER = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;

/** The exponent of 0: below all others. */
const NOTHING = -100_000;

/** e with 2^(e - 1) <= |x| < 2^e; x is finite. */
export function exponentOf(x: number): number {
  if (x === 0) return NOTHING;
  const subnormal = Math.abs(x) < 2 ** -1022;
  value[0] = subnormal ? x * 2 ** 64 : x;
  return ((words[UPPER]! >>> 20) & 0x7ff) - (subnormal ? 1086 : 1022);
}

/** x * 2^e, rounded where that is subnormal. In three steps: a power of two may lie beyond what a number can be. */
export function scaleBy(x: number, e: number): number {
  const all = Math.max(Math.min(e, 3000), -3000);
  const step = Math.trunc(all / 3);
  const factor = 2 ** step;
  return x * factor * factor * 2 ** (all - 2 * step);
}

/** From 2^960 on a difference is taken of quarters: that of two numbers may be beyond the largest. */
export function isHuge(x: number): boolean {
  return Math.abs(x) >= 2 ** 960;
}

export function finite(x: number): boolean {
  return x - x === 0;
}

/** A compensated sum (Neumaier, 1974). */
export class Sum {
  #high = 0;
  #low = 0;

  add(term: number): void {
    const before = this.#high;
    const after = before + term;
    this.#low += Math.abs(before) >= Math.abs(term) ? before - after + term : term - after + before;
    this.#high = after;
  }

  get total(): number {
    return this.#high + this.#low;
  }
}
