import type { ReadExternal } from "../graph/external.ts";
import { readWhole } from "../graph/load.ts";
import type { Model } from "../graph/proto.ts";
import { readNodes } from "../layers/nodes.ts";
import type { NormRecord } from "../layers/record.ts";
import { type FoldOptions, foldAll } from "./fold.ts";
import { keyOf } from "./fold-one.ts";
import type { FoldedLayer } from "./layer.ts";
import type { FoldTask } from "./task.ts";

/** The layers of a network into which normalizations belong, as they were before folding. */
export interface FoldTasks {
  readonly tasks: readonly FoldTask[];
  /** All normalizations of the network, by the names that steps have. */
  readonly norms: readonly NamedNorm[];
  /** Normalizations that no layer can contain, with the reason. */
  readonly left: readonly { readonly name: string; readonly reason: string }[];
}

export interface NamedNorm {
  readonly name: string;
  readonly norm: NormRecord;
}

/** The folds that are expected in a model. `options` are those of `foldModel`. Errors: `ERR_BN_DATA`. */
export async function foldTasks(
  bytes: Uint8Array,
  external?: ReadExternal,
  options: Omit<FoldOptions, "external"> = {},
): Promise<FoldTasks> {
  return tasksOf(await readWhole(bytes, external), options).found;
}

/** Folds `model` in place, and returns what had to be folded where. */
export function tasksOf(model: Model, options: FoldOptions): { found: FoldTasks; layers: readonly FoldedLayer[] } {
  const norms = normsOf(model);
  const { left, layers } = foldAll(model, options);
  const folded = [...layers.values()];
  const tasks = folded.map(({ layer, steps }): FoldTask => {
    const { label, layout, values, biasValues, biasFactor, factor } = layer;
    const { dims, data } = values;
    return { label, layout, dims, weights: data, bias: biasValues, biasFactor, factor, steps };
  });
  const reasons = left.map(({ node, reason }) => ({ name: keyOf(node), reason }));
  return { found: { tasks, norms, left: reasons }, layers: folded };
}

/** The normalizations of the top level whose values are in the file. */
export function normsOf(model: Model): NamedNorm[] {
  const norms: NamedNorm[] = [];
  for (const found of readNodes({ model, origins: new Map() })) {
    if ("node" in found && found.topLevel && found.layer) norms.push({ name: keyOf(found.node), norm: found.layer });
  }
  return norms;
}
