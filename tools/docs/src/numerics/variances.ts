const f = Math.fround;

type Term = (x: number) => number;

/** Ways to compute the biased variance of float32 values in float32. */
export const VARIANCES: readonly { readonly name: string; readonly of: (x: Float32Array) => number }[] = [
  { name: "two passes, shifted, tree", of: (x) => twoPasses(shifted(x), treeSum) },
  { name: "two passes, tree", of: (x) => twoPasses(x, treeSum) },
  { name: "two passes, plain loops", of: (x) => twoPasses(x, plainSum) },
  { name: "one pass, shifted, tree", of: (x) => ofSquares(shifted(x)) },
  { name: "Welford", of: welford },
  { name: "E[x²] − E[x]², tree", of: ofSquares },
];

type Sum = (x: Float32Array, term: Term) => number;

const plainSum: Sum = (x, term) => x.reduce((sum, value) => f(sum + term(value)), 0);

/** Runs of 32 joined by a tree: the sum on which bound N-1 is based. */
const treeSum: Sum = (x, term) => {
  if (x.length <= 32) return plainSum(x, term);
  const half = 2 ** Math.floor(Math.log2(x.length - 1));
  return f(treeSum(x.subarray(0, half), term) + treeSum(x.subarray(half), term));
};

/**
 * x - x[0] has the same variance and a mean of the order of std, and needs no rounding if x is large compared with std.
 */
const shifted = (x: Float32Array) => x.map((value) => value - (x[0] as number));

/** The rounded mean, then the squared deviations from it. */
function twoPasses(x: Float32Array, sum: Sum): number {
  const mean = f(sum(x, (value) => value) / x.length);
  return f(sum(x, (value) => f(f(value - mean) ** 2)) / x.length);
}

/** The running mean and sum of squared deviations. */
function welford(x: Float32Array): number {
  let mean = 0;
  let squares = 0;
  x.forEach((value, i) => {
    const delta = f(value - mean);
    mean = f(mean + f(delta / (i + 1)));
    squares = f(squares + f(delta * f(value - mean)));
  });
  return f(squares / x.length);
}

/** The squares of x itself, or of x - s for the shifted form. */
function ofSquares(x: Float32Array): number {
  const mean = f(treeSum(x, (value) => value) / x.length);
  return f(f(treeSum(x, (value) => f(value * value)) / x.length) - f(mean * mean));
}
