/** How many values are expected in the next call. Every rank sees the same calls, and so expects the same. */
export interface Guess {
  readonly values: number;
  /** A call of all ranks had `length` values. */
  see(length: number): void;
}

/** More are not worth a message that may turn out too long. */
const MOST = 8192;

/** What came after a call of as many values the last time: training makes the same calls over and over. */
export function createGuess(): Guess {
  const after = new Map<number, number>();
  let last = -1;
  let values = 0;
  return {
    get values() {
      return values;
    },
    see(length) {
      after.set(last, length);
      last = length;
      const next = after.get(length) ?? 0;
      values = next <= MOST ? next : 0;
    },
  };
}
