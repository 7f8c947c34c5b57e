import type { NormRecord } from "../layers/record.ts";
import { compareFold, fits } from "./compare.ts";
import { mistakes } from "./mistakes.ts";
import { partOf } from "./part.ts";
import { roundingOf } from "./rounding.ts";
import { type FoldAttempt, type FoldTask, plain, rightFold } from "./task.ts";

export interface Verdict {
  readonly status: "right" | "wrong" | "not folded";
  /** The largest error of a weight or bias in units of its bound (F-5). */
  readonly ratio: number;
  /** The element: `weight 17` or `bias 3`. */
  readonly at: string;
  /** The mistake that all channels fit, in words; null if the layer is right, or if no known mistake fits. */
  readonly mistake: string | null;
  /** How well the mistake fits, and how badly the right weights do. */
  readonly evidence: string;
}

/**
 * The error of an attempt compared with the right fold and, if it is wrong, the known mistake that gives the same
 * numbers.
 *
 * Bound   F-5: (5 steps + 1) u |w'| for a weight; for a bias (7 steps + 1) u (|b| + |mean|) |gain| + 2 u |beta| plus
 *         the part of a fold before the layer. These are the roundings of a fold that is computed in the weights' own
 *         type.
 */
export function judge(task: FoldTask, given: FoldAttempt, others: readonly NormRecord[] = []): Verdict {
  const attempt = inTermsOf(task, given);
  const found = compareFold(task, attempt, rightFold(task));
  const shown = (ratio: number) => (ratio < 10 ? ratio.toPrecision(2) : ratio.toExponential(1));
  if (found.ratio <= 1) {
    return { status: "right", ...found, mistake: null, evidence: `at most ${shown(found.ratio)} of the bound` };
  }
  if (isUntouched(task, attempt)) {
    const evidence = "weights and bias are the original's, to the bit";
    return { status: "not folded", ...found, mistake: null, evidence };
  }
  const best = likeliest(task, attempt, others);
  const off = `the right value differs by ${shown(found.ratio)} times the bound at ${found.at}`;
  if (best === null) return { status: "wrong", ...found, mistake: null, evidence: `${off}; no known mistake fits` };
  const fit = `all ${task.layout.outputs} channels fit within ${shown(best.ratio)} of the bound`;
  return { status: "wrong", ...found, mistake: best.name, evidence: `${fit}; ${off}` };
}

/** Converts weights to the task's alpha, because a tool may have multiplied alpha into them. */
function inTermsOf(task: FoldTask, attempt: FoldAttempt): FoldAttempt {
  const by = (attempt.factor ?? 1) / task.factor;
  if (by === 1 || !Number.isFinite(by)) return attempt;
  return { ...attempt, weights: Float64Array.from(attempt.weights, (w) => w * by) };
}

function isUntouched({ weights, bias, layout }: FoldTask, attempt: FoldAttempt): boolean {
  const same = (a: ArrayLike<number>, b: ArrayLike<number>) => {
    return (
      a.length === b.length && Array.prototype.every.call(a, (value, i) => Object.is(value, b[i]) || value === b[i])
    );
  };
  return same(weights, attempt.weights) && same(plain(bias, layout.outputs), plain(attempt.bias, layout.outputs));
}

/**
 * The mistake that fits best. Mistakes that some of the weights contradict are not tried on all weights. If the weights
 * have a narrower type, the bounds follow it, and the narrower type is a mistake of its own.
 */
function likeliest(task: FoldTask, given: FoldAttempt, others: readonly NormRecord[]) {
  const rounding = roundingOf(given);
  const attempt = rounding?.attempt ?? given;
  if (rounding) {
    const { ratio } = compareFold(task, attempt, rightFold(task));
    if (ratio <= 1) return { name: rounding.name, ratio };
  }
  const part = partOf(task, attempt);
  const possible = part && new Set<string>();
  if (part) {
    for (const mistake of mistakes(part.task, part.attempt, others)) {
      if (fits(part.task, part.attempt, mistake.fold(), part.biases)) possible?.add(mistake.id);
    }
  }
  let best: { readonly name: string; readonly ratio: number } | null = null;
  for (const mistake of mistakes(task, attempt, others)) {
    if (possible && !possible.has(mistake.id) && !WHOLE.has(mistake.id)) continue;
    const fold = mistake.fold();
    if (!fits(task, attempt, fold, true)) continue;
    const { ratio } = compareFold(task, attempt, fold);
    // Several mistakes may fit. Only rounding distinguishes them, and the simplest comes first.
    if (best === null || ratio < best.ratio / 2) best = { name: mistake.name, ratio };
  }
  return best && rounding ? { ...best, name: `${best.name}, and ${rounding.name}` } : best;
}

/** Mistakes that a part of the weights cannot show. */
const WHOLE: ReadonlySet<string> = new Set([
  ...["flipped", "kernel axes", "weight axes"],
  ...["groups by rest", "groups inside", "rows", "columns"],
]);
