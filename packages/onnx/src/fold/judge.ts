import type { NormRecord } from "../layers/record.ts";
import { type Mistake, mistakes } from "./mistakes.ts";
import { type FoldAttempt, type FoldTask, plain, rightFold } from "./task.ts";
import { type FoldedWeights, foldBefore, foldBehind } from "./weights.ts";

export interface Verdict {
  readonly status: "right" | "wrong" | "not folded";
  /** The largest error of a weight or bias in units of its bound (F-5). */
  readonly ratio: number;
  /** Which: `weight 17` or `bias 3`. */
  readonly at: string;
  /** The mistake that all channels fit, in words; null where it is right, or no known mistake fits. */
  readonly mistake: string | null;
  /** How well it fits, and how badly what is right does. */
  readonly evidence: string;
}

/**
 * How far an attempt is from the right fold, and, where it is wrong, which known mistake gives what it holds.
 *
 * Bound   F-5: (5 steps + 1) u |w'| for a weight; for a bias (7 steps + 1) u (|b| + |mean|) |gain| + 2 u |beta| and what the
 *         sums of a fold before the layer add: whoever folds in the weights' own type rounds so often.
 */
export function judge(task: FoldTask, attempt: FoldAttempt, others: readonly NormRecord[] = []): Verdict {
  const right = rightFold(task);
  const found = compare(task, attempt, right);
  const shown = (ratio: number) => (ratio < 10 ? ratio.toPrecision(2) : ratio.toExponential(1));
  if (found.ratio <= 1) {
    return { status: "right", ...found, mistake: null, evidence: `at most ${shown(found.ratio)} of the bound` };
  }
  const untouched: FoldedWeights = {
    weights: Float64Array.from(task.weights),
    bias: plain(task.bias, task.layout.outputs),
  };
  if (compare(task, attempt, untouched).ratio === 0) {
    return {
      status: "not folded",
      ...found,
      mistake: null,
      evidence: "weights and bias are the original's, to the bit",
    };
  }
  let best: { readonly mistake: Mistake; readonly ratio: number } | null = null;
  for (const mistake of mistakes(task, attempt, others)) {
    const { ratio } = compare(task, mistake.narrow ? { ...attempt, ...mistake.narrow } : attempt, mistake.fold);
    if (ratio <= 1 && (best === null || ratio < best.ratio)) best = { mistake, ratio };
  }
  const off = `what is right misses by ${shown(found.ratio)} bounds at ${found.at}`;
  if (best === null) return { status: "wrong", ...found, mistake: null, evidence: `${off}; no known mistake fits` };
  const fit = `all ${task.layout.outputs} channels fit within ${shown(best.ratio)} of the bound`;
  return { status: "wrong", ...found, mistake: best.mistake.name, evidence: `${fit}; ${off}` };
}

/** The largest error of the attempt against `expected`, in units of its bound. */
function compare(task: FoldTask, attempt: FoldAttempt, expected: FoldedWeights): { ratio: number; at: string } {
  const { layout, steps } = task;
  const { u, smallest = 0 } = attempt;
  const bias = plain(attempt.bias, layout.outputs);
  const sizes = biasSizes(task, expected);
  let [worst, at] = [0, ""];
  const take = (error: number, bound: number, what: string) => {
    const ratio = error === 0 ? 0 : error / bound;
    if (ratio <= worst) return;
    [worst, at] = [Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio, what];
  };
  for (let i = 0; i < expected.weights.length; i++) {
    const w = expected.weights[i] as number;
    take(
      Math.abs((attempt.weights[i] as number) - w),
      (5 * steps.length + 1) * u * Math.abs(w) + smallest,
      `weight ${i}`,
    );
  }
  for (let o = 0; o < layout.outputs; o++) {
    const error = Math.abs((bias[o] as number) - (expected.bias[o] as number));
    take(error, u * (sizes[o] as number) + smallest, `bias ${o}`);
  }
  return { ratio: worst, at };
}

/** The size of the terms that each bias is made of, times how often they are rounded. */
function biasSizes({ weights, bias, layout, steps }: FoldTask, expected: FoldedWeights): Float64Array {
  let sizes = plain(bias, layout.outputs).map(Math.abs);
  let now: ArrayLike<number> = weights;
  for (const { side, affine } of steps) {
    const { mean, gain, beta } = affine;
    if (side === "behind") {
      sizes = sizes.map(
        (size, o) => (size + Math.abs(mean[o] as number)) * Math.abs(gain[o] as number) + Math.abs(beta[o] as number),
      );
      now = foldBehind(now, null, layout, affine).weights;
      continue;
    }
    const perOutput = layout.outputs === 0 ? 0 : now.length / layout.outputs;
    for (let i = 0; i < now.length; i++) {
      const [c, o] = [layout.in(i), layout.out(i)];
      const term =
        Math.abs(now[i] as number) *
        (Math.abs(beta[c] as number) + Math.abs((mean[c] as number) * (gain[c] as number)));
      sizes[o] = (sizes[o] as number) + term * (1 + perOutput / 8);
    }
    now = foldBefore(now, null, layout, affine).weights;
  }
  return sizes.map((size, o) => (7 * steps.length + 1) * size + Math.abs(expected.bias[o] as number));
}
