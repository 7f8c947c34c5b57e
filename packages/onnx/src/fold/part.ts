import type { FoldAttempt, FoldTask } from "./task.ts";

/** Weights that are looked at before all are. */
const MOST = 8192;

export interface Part {
  readonly task: FoldTask;
  readonly attempt: FoldAttempt;
  /** Whether biases can be told from it: a fold before the layer sums over all weights. */
  readonly biases: boolean;
}

/** Some of a layer's weights, of all its channels; null where it has few. */
export function partOf(task: FoldTask, attempt: FoldAttempt): Part | null {
  const { layout, weights } = task;
  if (weights.length <= MOST) return null;
  // A stride without common divisors with the axes meets every channel.
  const count = Math.max(MOST, 4 * layout.outputs);
  const chosen = Array.from({ length: Math.min(count, weights.length) }, (_, k) => (k * 7919) % weights.length);
  const at = (values: ArrayLike<number>) => Float64Array.from(chosen, (i) => values[i] as number);
  const part = {
    ...layout,
    out: (k: number) => layout.out(chosen[k] as number),
    in: (k: number) => layout.in(chosen[k] as number),
  };
  return {
    task: { ...task, layout: part, dims: [], weights: at(weights) },
    attempt: { ...attempt, weights: at(attempt.weights) },
    biases: task.steps.every(({ side }) => side === "behind"),
  };
}
