/**
 * The number of right digits: -log10 of the largest error over the largest value. NaN counts as no digits, and an exact
 * result as 16.
 */
export function digitsOf(got: ArrayLike<number>, truth: Float64Array): number {
  let [error, size] = [0, 0];
  for (const [i, expected] of truth.entries()) {
    const off = Math.abs((got[i] as number) - expected);
    if (!(off <= error)) error = off;
    size = Math.max(size, Math.abs(expected));
  }
  return Number.isNaN(error) ? 0 : Math.min(16, Math.max(0, -Math.log10(error / size)));
}
