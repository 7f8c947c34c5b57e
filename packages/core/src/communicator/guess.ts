/** Predicts the number of values in the next call. Every rank sees the same calls, so all ranks predict the same. */
export interface Guess {
  readonly values: number;
  /** Records that all ranks made a call with `length` values. */
  see(length: number): void;
}

/** The largest number to predict: a longer message that turns out wrong costs more than an exchange. */
const MOST = 8192;
/** How many of the calls that followed one of a length are remembered. */
const REMEMBERED = 4;
const NONE: readonly number[] = [];

/**
 * Predicts the largest length that recently followed a call of this length. Training repeats the same calls, and a message
 * that is too long costs less than the exchange that a message that is too short needs.
 */
export function createGuess(): Guess {
  const after = new Map<number, number[]>();
  let last = -1;
  let values = 0;
  return {
    get values() {
      return values;
    },
    see(length) {
      if (length <= MOST) remember(length);
      last = length;
      values = 0;
      for (const next of after.get(length) ?? NONE) if (next > values) values = next;
    },
  };

  function remember(length: number): void {
    const lengths = after.get(last) ?? [];
    if (lengths.length === REMEMBERED) lengths.shift();
    lengths.push(length);
    after.set(last, lengths);
  }
}
