/** Keys are below 2^26, the number of 64-byte lines in 4 GiB. Six levels of 32-way branches cover them. */
const LEVELS = 6;
/**
 * The offset of each level's words among the keys of the single map. A gap separates levels, so that a key past the
 * last word of a level finds nothing.
 */
const OFFSETS = [0, 2 ** 21, 2 ** 21 + 2 ** 16 + 1, 2 ** 21 + 2 ** 16 + 2 ** 11 + 2, 2 ** 22, 2 ** 22 + 3] as const;

/**
 * A set of whole numbers that finds the smallest member at or above a number in a few steps, for any number of members.
 * It has one bit per member and, per word of 32 bits, one bit in the level above that is set if the word has a member.
 */
export class OrderedSet {
  readonly #words = new Map<number, number>();

  get isEmpty(): boolean {
    return this.#words.size === 0;
  }

  add(key: number): void {
    for (let level = 0; level < LEVELS; level++) {
      const at = (OFFSETS[level] as number) + (key >>> 5);
      const word = this.#words.get(at) ?? 0;
      this.#words.set(at, word | (1 << (key & 31)));
      if (word !== 0) return;
      key >>>= 5;
    }
  }

  delete(key: number): void {
    for (let level = 0; level < LEVELS; level++) {
      const at = (OFFSETS[level] as number) + (key >>> 5);
      const word = (this.#words.get(at) ?? 0) & ~(1 << (key & 31));
      if (word !== 0) {
        this.#words.set(at, word);
        return;
      }
      this.#words.delete(at);
      key >>>= 5;
    }
  }

  /** The smallest member that is at least `key`, or -1. */
  next(key: number): number {
    for (let level = 0; level < LEVELS; level++) {
      const word = (this.#words.get((OFFSETS[level] as number) + (key >>> 5)) ?? 0) & (-1 << (key & 31));
      if (word !== 0) return this.#first((key & ~31) + lowestBit(word), level);
      key = (key >>> 5) + 1;
    }
    return -1;
  }

  /** The smallest member below bit `key` of `level`. */
  #first(key: number, level: number): number {
    for (; level > 0; level--) key = key * 32 + lowestBit(this.#words.get((OFFSETS[level - 1] as number) + key) ?? 0);
    return key;
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
