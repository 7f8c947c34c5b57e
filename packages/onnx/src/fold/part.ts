import type { FoldAttempt, FoldTask } from "./task.ts";

/** The number of weights that are examined before all of them are. */
const MOST = 8192;

export interface Part {
  readonly task: FoldTask;
  readonly attempt: FoldAttempt;
  /** Whether biases can be judged from it. They cannot for a fold before the layer, which sums over all weights. */
  readonly biases: boolean;
}

/** Some of a layer's weights, from all its channels; null if it has few. */
export function partOf(task: FoldTask, attempt: FoldAttempt): Part | null {
  const { layout, weights } = task;
  if (weights.length <= MOST) return null;
  // A stride that has no common divisor with the axes reaches every channel.
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
