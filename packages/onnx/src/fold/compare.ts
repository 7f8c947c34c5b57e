import { type FoldAttempt, type FoldTask, plain } from "./task.ts";
import { type FoldedWeights, foldBefore, foldBehind } from "./weights.ts";

/** The largest error of the attempt against `expected`, in units of its bound (F-5). */
export function compareFold(task: FoldTask, attempt: FoldAttempt, expected: FoldedWeights) {
  let [worst, at] = [0, ""];
  visitErrors(task, attempt, expected, true, (ratio, what, index) => {
    if (!(ratio <= worst)) [worst, at] = [Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio, `${what} ${index}`];
    return worst < Number.POSITIVE_INFINITY;
  });
  return { ratio: worst, at };
}

/** Whether all errors are within their bounds. Stops at the first that is not. */
export function fits(task: FoldTask, attempt: FoldAttempt, expected: FoldedWeights, biases: boolean): boolean {
  let within = true;
  visitErrors(task, attempt, expected, biases, (ratio) => {
    within = ratio <= 1;
    return within;
  });
  return within;
}

/** Calls `visit` with every error divided by its bound, until that returns false. */
function visitErrors(
  task: FoldTask,
  { weights, bias: found, u, smallest = 0 }: FoldAttempt,
  expected: FoldedWeights,
  biases: boolean,
  visit: (ratio: number, what: "weight" | "bias", index: number) => boolean,
): void {
  const { layout, steps } = task;
  const share = (error: number, bound: number) => (error === 0 ? 0 : error / bound);
  const relative = (5 * steps.length + 1) * u;
  for (let i = 0; i < expected.weights.length; i++) {
    const w = expected.weights[i] as number;
    const error = Math.abs((weights[i] as number) - w);
    if (!visit(share(error, relative * Math.abs(w) + smallest), "weight", i)) return;
  }
  if (!biases) return;
  const bias = plain(found, layout.outputs);
  const sizes = biasSizes(task, expected);
  for (let o = 0; o < layout.outputs; o++) {
    const error = Math.abs((bias[o] as number) - (expected.bias[o] as number));
    if (!visit(share(error, u * (sizes[o] as number) + smallest), "bias", o)) return;
  }
}

/** The size of the terms of each bias, times the number of their roundings. */
function biasSizes({ weights, bias, layout, steps, factor }: FoldTask, expected: FoldedWeights): Float64Array {
  let sizes = plain(bias, layout.outputs).map(Math.abs);
  let now: ArrayLike<number> = weights;
  const lastBefore = steps.findLastIndex(({ side }) => side === "before");
  for (const [s, { side, affine }] of steps.entries()) {
    const { mean, gain, beta } = affine;
    if (side === "behind") {
      sizes = sizes.map(
        (size, o) => (size + Math.abs(mean[o] as number)) * Math.abs(gain[o] as number) + Math.abs(beta[o] as number),
      );
      if (s < lastBefore) now = foldBehind(now, null, layout, affine).weights;
      continue;
    }
    const perOutput = layout.outputs === 0 ? 0 : now.length / layout.outputs;
    for (let i = 0; i < now.length; i++) {
      const [c, o] = [layout.in(i), layout.out(i)];
      const term =
        Math.abs((now[i] as number) * factor) *
        (Math.abs(beta[c] as number) + Math.abs((mean[c] as number) * (gain[c] as number)));
      sizes[o] = (sizes[o] as number) + term * (1 + perOutput / 8);
    }
    if (s < lastBefore) now = foldBefore(now, null, layout, affine).weights;
  }
  return sizes.map((size, o) => (7 * steps.length + 1) * size + Math.abs(expected.bias[o] as number));
}
