import type { ReadExternal } from "../graph/external.ts";
import { type FoldAttempts, foldAttempts } from "./attempts.ts";
import { judge, type Verdict } from "./judge.ts";
import { standingIn } from "./standing.ts";
import type { FoldTask } from "./task.ts";
import { type FoldTasks, foldTasks } from "./tasks.ts";

/** The verdict on one layer of the original into which normalizations are folded. */
export interface CheckFoldRow extends Omit<Verdict, "status"> {
  /** The layer's name in the original. */
  readonly layer: string;
  /** The layer's name in the folded network; "" if no layer there matches. */
  readonly found: string;
  /** The normalizations that the layer should contain. Those that the folded network still has are not among them. */
  readonly normalizations: readonly string[];
  /** "missing": there is no such layer, or a normalization is gone that no layer can contain. */
  readonly status: Verdict["status"] | "missing";
}

/**
 * Judges a fold that another tool made: which layers of `original` contain their normalizations in `folded`, how far
 * each is from the right result, and which mistake was made.
 *
 * Math    the right weights in float64 (F-1, F-2); the error of each in units of F-5. A mistake is named if all
 *         channels of a layer fit it within the same bound. Layers are matched by name, otherwise by shape in order. A
 *         normalization that `folded` still has, recognised by its values, is not expected in a layer.
 * Errors  `ERR_BN_DATA`: a file that cannot be read.
 * Source  docs/folding.md, F-5.
 *
 * @example
 * ```ts
 * import { batchNormOf, buildModel, checkFold } from "@bn/onnx";
 * const one = new Float32Array([1]);
 * const model = buildModel(batchNormOf([one, one, [1], one, one]));
 * console.log(await checkFold(model, model)); // []
 * ```
 */
export async function checkFold(
  original: Uint8Array,
  folded: Uint8Array,
  options: { readonly external?: ReadExternal; readonly foldedExternal?: ReadExternal } = {},
): Promise<readonly CheckFoldRow[]> {
  const tasks = await foldTasks(original, options.external);
  return judgeFolds(tasks, await foldAttempts(folded, options.foldedExternal));
}

/** One row per task. The two networks may have different formats. */
export function judgeFolds(given: FoldTasks, attempts: FoldAttempts): CheckFoldRow[] {
  // Products and sums that are unchanged are not counted as folds.
  const judged = matchFolds(given, attempts).filter(
    ({ task, folded }) => folded || task.steps.some(({ norm }) => norm),
  );
  const rows = judged.map((match) => judgeMatch(match, given, attempts));
  return [...rows, ...goneRows(given, attempts)];
}

/** A task with the steps that the folded network no longer has, and the index of the matching layer. */
export interface Match {
  readonly task: FoldTask;
  readonly index: number | null;
  /** False if all steps are still there: the layer was not folded, and lacks all of them. */
  readonly folded: boolean;
}

export function matchFolds({ tasks, norms }: FoldTasks, attempts: FoldAttempts): Match[] {
  const stands = standingIn(norms, attempts);
  const left = new Map(attempts.layers.entries());
  const named = new Set(tasks.map(({ label }) => nameIn(label)));
  return tasks.map((task) => {
    const like = [...left].filter(([, { weights }]) => weights.length === task.weights.length);
    const [index] =
      like.find(([, { label }]) => nameIn(label) === nameIn(task.label)) ??
      like.find(([, { label }]) => !named.has(nameIn(label))) ??
      like[0] ??
      [];
    if (index !== undefined) left.delete(index);
    const gone = task.steps.filter((step) => !stands(step));
    const folded = gone.length > 0;
    return { task: folded ? { ...task, steps: gone } : task, index: index ?? null, folded };
  });
}

export function judgeMatch({ task, index }: Match, { norms }: FoldTasks, { layers }: FoldAttempts): CheckFoldRow {
  const attempt = layers[index ?? -1];
  const others = norms.map(({ norm }) => norm);
  const row = { layer: task.label, normalizations: task.steps.map(({ name }) => name) };
  if (attempt !== undefined) return { ...row, found: attempt.label, ...judge(task, attempt, others) };
  const evidence = `the folded network has no layer with ${task.weights.length} weights left`;
  return { ...row, found: "", status: "missing", ratio: Number.NaN, at: "", mistake: null, evidence } as const;
}

/** Normalizations that cannot be folded, and that the folded network does not have either. */
function goneRows({ norms, left }: FoldTasks, attempts: FoldAttempts): CheckFoldRow[] {
  const stands = standingIn(norms, attempts);
  return left.flatMap(({ name, reason }): CheckFoldRow[] => {
    const norm = norms.find((one) => one.name === name)?.norm;
    if (norm === undefined || stands({ name, norm })) return [];
    const evidence = `the normalization is gone, and no layer can contain it: ${reason}`;
    const row = { layer: name, found: "", normalizations: [name], ratio: Number.NaN, at: "", mistake: null };
    return [{ ...row, status: "missing", evidence }];
  });
}

/** The layer's own name in `Conv "c1"`. A network of another format has another operator name. */
function nameIn(label: string): string {
  return /"(.*)"/.exec(label)?.[1] ?? label;
}
