import type { NodeProto } from "onnx-buf";
import type { ReadExternal } from "../graph/external.ts";
import { readWhole } from "../graph/load.ts";
import { labelOf, type Model } from "../graph/proto.ts";
import { readNodes } from "../layers/nodes.ts";
import { isNormRecord, type NormRecord } from "../layers/record.ts";
import { isCarrier } from "./carriers.ts";
import { foldAll, lookupOf } from "./fold.ts";
import { judge, type Verdict } from "./judge.ts";
import { endsPath, type Layer, layerOf } from "./layer.ts";
import type { FoldAttempt, FoldTask } from "./task.ts";
import { wiringOf } from "./wiring.ts";

/** The verdict on one layer of the original that normalizations belong into. */
export interface CheckFoldRow extends Omit<Verdict, "status"> {
  /** As the original names it. */
  readonly layer: string;
  /** As the folded network names it; "" where none is like it. */
  readonly found: string;
  readonly normalizations: readonly string[];
  readonly status: Verdict["status"] | "missing";
}

/** The layers of a network that normalizations belong into, as they are before and as somebody has them. */
export interface FoldTasks {
  readonly tasks: readonly FoldTask[];
  readonly norms: readonly NormRecord[];
}

/** What a network must be to be judged: the layers with weights, in order. */
export type FoldAttempts = readonly (FoldAttempt & { readonly dims: readonly number[] })[];

/**
 * Judges a fold that was made elsewhere: which layers of `original` hold their normalizations in `folded`, how far each is
 * from what is right, and which mistake was made.
 *
 * Math    the right weights in float64 (F-1, F-2); the error of each in units of F-5. A mistake is named where all channels of a
 *         layer fit it within the same bound. Layers are matched by name, else by shape in order.
 * Errors  `ERR_BN_DATA`: a file that cannot be read.
 * Source  docs/folding.md, F-5.
 */
export async function checkFold(
  original: Uint8Array,
  folded: Uint8Array,
  options: { readonly external?: ReadExternal; readonly foldedExternal?: ReadExternal } = {},
): Promise<readonly CheckFoldRow[]> {
  const tasks = await foldTasks(original, options.external);
  return judgeFolds(tasks, await foldAttempts(folded, options.foldedExternal));
}

/** The layer's own name in `Conv "c1"`: a network of another format calls its operator otherwise. */
function nameIn(label: string): string {
  return /"(.*)"/.exec(label)?.[1] ?? label;
}

/** What is to be folded in a model. Errors: `ERR_BN_DATA`. */
export async function foldTasks(bytes: Uint8Array, external?: ReadExternal): Promise<FoldTasks> {
  return tasksOf(await readWhole(bytes, external));
}

/** The layers with weights of a model, in its order. Errors: `ERR_BN_DATA`. */
export async function foldAttempts(bytes: Uint8Array, external?: ReadExternal): Promise<FoldAttempts> {
  return attemptsOf(await readWhole(bytes, external));
}

/** One row per task; a network of one format may be judged against one of another. */
export function judgeFolds({ tasks, norms }: FoldTasks, attempts: FoldAttempts): CheckFoldRow[] {
  const left = new Set(attempts);
  const named = new Set(tasks.map(({ label }) => nameIn(label)));
  return tasks.map((task) => {
    const like = [...left].filter(({ weights }) => weights.length === task.weights.length);
    const attempt =
      like.find(({ label }) => nameIn(label) === nameIn(task.label)) ??
      like.find(({ label }) => !named.has(nameIn(label))) ??
      like[0];
    const normalizations = task.steps.map(({ norm }) => norm?.name ?? "constants");
    const row = { layer: task.label, normalizations };
    if (attempt === undefined) {
      const evidence = `the folded network has no layer with ${task.weights.length} weights left`;
      return { ...row, found: "", status: "missing", ratio: Number.NaN, at: "", mistake: null, evidence };
    }
    left.delete(attempt);
    return { ...row, found: attempt.label, ...judge(task, attempt, norms) };
  });
}

function tasksOf(model: Model): FoldTasks {
  const norms: NormRecord[] = [];
  for (const found of readNodes({ model, origins: new Map() })) {
    if ("tensors" in found && found.layer && isNormRecord(found.layer)) norms.push(found.layer);
  }
  const { layers } = foldAll(model, {});
  const tasks = [...layers.values()].map(({ layer, steps }): FoldTask => {
    const { label, layout, values, biasValues, biasFactor } = layer;
    return { label, layout, weights: values.data, bias: biasValues, biasFactor, steps };
  });
  return { tasks, norms };
}

function attemptsOf(model: Model): FoldAttempts {
  const context = {
    model,
    wiring: wiringOf(model),
    lookup: lookupOf(model),
    options: { duplicate: true },
    folded: new Map(),
  };
  const ends = endsPath(context);
  const seen = new Set<NodeProto>();
  const found: (FoldAttempt & { dims: readonly number[] })[] = [];
  // An Add behind a MatMul comes after it, and knows its bias: from the end.
  for (const node of model.graph.node.toReversed()) {
    if (seen.has(node) || !ends(node)) continue;
    const layer = layerOf(context, node);
    if (typeof layer === "string") continue;
    seen.add(layer.node);
    found.push(attemptOf(layer));
  }
  return found.reverse();
}

interface Precision {
  readonly u: number;
  readonly smallest: number;
}

/** Unit roundoff, and half of the smallest number, of each type that weights may have. */
const PRECISION: Readonly<Record<string, Precision>> = {
  float16: { u: 2 ** -11, smallest: 2 ** -25 },
  bfloat16: { u: 2 ** -8, smallest: 2 ** -134 },
  float32: { u: 2 ** -24, smallest: 2 ** -150 },
  float64: { u: 2 ** -53, smallest: 0 },
};

function attemptOf({ node, label, values, biasValues }: Layer): FoldAttempt & { dims: readonly number[] } {
  const { data, dims, narrow } = values;
  return {
    label: isCarrier(node) ? label : labelOf(node, 0),
    weights: data,
    bias: biasValues,
    dims,
    ...(PRECISION[narrow ?? values.dtype] as Precision),
  };
}
