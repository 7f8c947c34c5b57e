import type { HostArray } from "../backend.ts";

// Integers of 32 bits with a sign, so that the compiler never computes with doubles.
const SEED = 0x811c9dc5 | 0;
const ADDEND = 0xe6546b64 | 0;
const NO_SIGN = 0x7fffffff;
const INFINITY = 0x7f800000;
/** What all NaNs of float32 are taken for. */
const QUIET_NAN = 0x7fc00000;

/**
 * Returns a function that gives a number for arrays of these lengths. The number differs if the values differ. All NaNs
 * count as equal, whatever their bits, and so do both zeros. Elements beyond the lengths are ignored.
 */
export function createDigest(lengths: readonly number[]): (views: readonly HostArray[]) => number {
  const known: HostArray[] = [];
  const words: Int32Array[] = [];

  /** The words of view `i`. They are kept as long as the view is the same. */
  function wordsOf(i: number, view: HostArray): Int32Array {
    if (known[i] !== view) {
      const count = ((lengths[i] as number) * view.BYTES_PER_ELEMENT) / Int32Array.BYTES_PER_ELEMENT;
      known[i] = view;
      words[i] = new Int32Array(view.buffer, view.byteOffset, count);
    }
    return words[i] as Int32Array;
  }
  return (views) => {
    let hash = SEED;
    for (let i = 0; i < lengths.length; i++) {
      const view = views[i] as HostArray;
      const seen = wordsOf(i, view);
      hash = view.BYTES_PER_ELEMENT === 4 ? mixedSingles(hash, seen) : mixedDoubles(hash, seen, view);
    }
    return hash >>> 0;
  };
}

/** `mixed` for each value. It is written out, because V8 makes a call of it where this function is inlined itself. */
function mixedSingles(start: number, words: Int32Array): number {
  let hash = start | 0;
  for (let i = 0; i < words.length; i++) {
    let word = words[i] as number;
    const size = word & NO_SIGN;
    if (size === 0) word = 0;
    else if (size > INFINITY) word = QUIET_NAN;
    word = Math.imul(word, 0xcc9e2d51);
    hash ^= Math.imul((word << 15) | (word >>> 17), 0x1b873593);
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + ADDEND) | 0;
  }
  return hash;
}

function mixedDoubles(start: number, words: Int32Array, view: HostArray): number {
  let hash = start | 0;
  for (let i = 0; i < words.length; i += 2) {
    const value = view[i / 2] as number;
    if (value === 0 || Number.isNaN(value)) hash = mixed(hash, value === 0 ? 0 : QUIET_NAN);
    else hash = mixed(mixed(hash, words[i] as number), words[i + 1] as number);
  }
  return hash;
}

/** The step of MurmurHash3: multiplications spread a bit upwards only, rotations bring it down again. */
function mixed(hash: number, word: number): number {
  const a = Math.imul(word, 0xcc9e2d51);
  const b = hash ^ Math.imul((a << 15) | (a >>> 17), 0x1b873593);
  return (Math.imul((b << 13) | (b >>> 19), 5) + ADDEND) | 0;
}
