/** Unit roundoff of float32. */
export const U = 2 ** -24;

/**
 * `count` float32 values around `offset` with standard deviation 1. They are sums of twelve uniform numbers. Box-Muller
 * would use library functions whose last digit differs between engines, so the tables would too.
 */
export function samples(seed: string, count: number, offset: number): Float32Array {
  const uniform = generator(seed);
  return Float32Array.from({ length: count }, () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += uniform();
    return offset + sum;
  });
}

/** xorshift32 from a hash (FNV-1a) of the seed, scrambled by a multiplication. */
function generator(seed: string): () => number {
  let state = 2166136261;
  for (const character of seed) state = Math.imul(state ^ character.charCodeAt(0), 16777619);
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (Math.imul(state, 0x9e3779b1) >>> 0) / 2 ** 32;
  };
}

/** Two passes in float64 around a value of the data, which is exact to far more digits than the tables show. */
export function exactMoments(x: Float32Array): { mean: number; variance: number } {
  const shift = x[0] as number;
  let sum = 0;
  for (const value of x) sum += value - shift;
  const mean = shift + sum / x.length;
  let squares = 0;
  for (const value of x) squares += (value - mean) ** 2;
  return { mean, variance: squares / x.length };
}
