import { roundTo } from "../graph/narrow.ts";
import type { FoldAttempt } from "./task.ts";

/** Types that weights may have been rounded to, the widest first. */
const NARROW = [
  { type: 1, name: "float32", u: 2 ** -24, smallest: 2 ** -150 },
  { type: 10, name: "float16", u: 2 ** -11, smallest: 2 ** -25 },
  { type: 16, name: "bfloat16", u: 2 ** -8, smallest: 2 ** -134 },
];

/**
 * An attempt with the precision of the narrowest type that holds all its weights, and the name of that type; null if it
 * is the attempt's own type.
 */
export function roundingOf(attempt: FoldAttempt): { readonly name: string; readonly attempt: FoldAttempt } | null {
  const values = Float64Array.from(attempt.weights);
  const held = NARROW.findLast(({ type, u }) => {
    return attempt.u < u && (roundTo(type, values)?.every((value, i) => Object.is(value, values[i])) ?? false);
  });
  if (held === undefined) return null;
  return { name: `weights were rounded to ${held.name}`, attempt: { ...attempt, u: held.u, smallest: held.smallest } };
}
