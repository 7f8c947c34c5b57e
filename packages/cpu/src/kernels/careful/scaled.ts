/** Numbers with a separate exponent, so that no intermediate result overflows or underflows. */

const value = new Float64Array(1);
const words = new Uint32Array(value.buffer);
/** The index of the 32-bit word that holds the exponent. */
const UPPER = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;

/** The exponent that stands for 0. It is below all others. */
const NOTHING = -100_000;

/** The e with 2^(e - 1) <= |x| < 2^e, for a finite x. */
export function exponentOf(x: number): number {
  if (x === 0) return NOTHING;
  const subnormal = Math.abs(x) < 2 ** -1022;
  value[0] = subnormal ? x * 2 ** 64 : x;
  return ((words[UPPER]! >>> 20) & 0x7ff) - (subnormal ? 1086 : 1022);
}

/** 2^n for -1024 < n < 1024 at n + 1024, because computing a power takes several times as long as a load. */
const POWERS = Float64Array.from({ length: 2048 }, (_, n) => 2 ** (n - 1024));

/**
 * x * 2^e, rounded only if the result is subnormal. It takes three steps because 2^e itself may be beyond the range of
 * a number.
 */
export function scaleBy(x: number, e: number): number {
  const all = Math.max(Math.min(e, 3000), -3000);
  const step = Math.trunc(all / 3);
  const factor = POWERS[1024 + step]!;
  return x * factor * factor * POWERS[1024 + all - 2 * step]!;
}

/** From 2^960 on, differences are taken of quarters, because the difference of two such numbers may overflow. */
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
