/** A random generator with a seed, so that a run can be repeated: a 32-bit xorshift. */
export interface Random {
  /** A whole number in [0, n). */
  below(n: number): number;
  /** True with probability 1 / `n`. */
  oneIn(n: number): boolean;
  pick<T>(list: readonly T[]): T;
}

export function createRandom(seed: number): Random {
  let state = (seed * 2654435761) >>> 0 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  for (let i = 0; i < 8; i++) next();
  const below = (n: number) => next() % n;
  return { below, oneIn: (n) => below(n) === 0, pick: (list) => list[below(list.length)] as never };
}
