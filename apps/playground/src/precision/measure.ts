import { oracle, random } from "@bn/conformance";
import { digitsOf as rightDigits } from "../parts/digits.ts";
import type { Known, Method } from "./methods.ts";

const EPS = 1e-5;
const COUNT = 4096;
/** From 1 to 1e7 in quarters of a decade. */
export const RATIOS: readonly number[] = Array.from({ length: 29 }, (_, i) => 10 ** (i / 4));

/** Data whose mean is `ratio` times its standard deviation of 1, rounded to float32. */
function dataFor(ratio: number): Float32Array {
  const { normal } = random("precision");
  return Float32Array.from({ length: COUNT }, () => ratio + normal());
}

/**
 * The number of right digits of y: -log10 of its largest error over its largest value. The truth is the suite's oracle
 * for the rounded float32 values, so the rounding of x itself counts for no method. NaN counts as no digits, and an
 * exact result as 16.
 */
export async function digitsOf(methods: readonly Method[], ratio: number): Promise<Map<string, number>> {
  const x = dataFor(ratio);
  const g = { outer: COUNT, channels: 1, inner: 1 };
  const stats = oracle.moments(x, g);
  const truth = oracle.normalize(x, g, stats, Math.fround(EPS), null);
  const known: Known = {
    mean: oracle.valuesOf(stats.mean)[0] ?? 0,
    variance: oracle.valuesOf(stats.variance)[0] ?? 0,
    eps: Math.fround(EPS),
  };
  const found = new Map<string, number>();
  for (const { name, normalize } of methods) found.set(name, rightDigits(await normalize(x, known), truth));
  return found;
}
