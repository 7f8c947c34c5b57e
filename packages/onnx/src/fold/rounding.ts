import { FLOAT_TYPES } from "../graph/float-types.ts";
import type { FoldAttempt } from "./task.ts";

/** Types that weights may have been rounded to, the widest first. */
const NARROW = [FLOAT_TYPES.float32, FLOAT_TYPES.float16, FLOAT_TYPES.bfloat16];

/**
 * An attempt with the precision of the narrowest type that holds all its weights, and the name of that type; null if it
 * is the attempt's own type.
 */
export function roundingOf(attempt: FoldAttempt): { readonly name: string; readonly attempt: FoldAttempt } | null {
  const values = Float64Array.from(attempt.weights);
  const held = NARROW.findLast(({ u, round }) => attempt.u < u && values.every((one) => Object.is(round(one), one)));
  if (held === undefined) return null;
  const { name, u, smallest } = held;
  return { name: `weights were rounded to ${name}`, attempt: { ...attempt, u, smallest: smallest / 2 } };
}
