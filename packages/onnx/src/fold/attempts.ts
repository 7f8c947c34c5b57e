import type { NodeProto } from "onnx-buf";
import type { ReadExternal } from "../graph/external.ts";
import { FLOAT_TYPES } from "../graph/float-types.ts";
import { readWhole } from "../graph/load.ts";
import { labelOf, type Model } from "../graph/proto.ts";
import { topLookup } from "../graph/scope.ts";
import { isCarrier } from "./carriers.ts";
import { constantMapOf } from "./constants.ts";
import { keyOf } from "./fold-one.ts";
import { endsPath, type Layer, layerOf } from "./layer.ts";
import type { FoldAttempt } from "./task.ts";
import { type NamedNorm, normsOf } from "./tasks.ts";
import { wiringOf } from "./wiring.ts";

/** A network to be judged: its layers with weights, in order, and the normalizations that it still has. */
export interface FoldAttempts {
  readonly layers: readonly (FoldAttempt & { readonly dims: readonly number[] })[];
  readonly norms: readonly NamedNorm[];
  /** Products and sums with constants, by the names that steps have. */
  readonly constants: ReadonlySet<string>;
}

/** The parts of a model that can be judged. Errors: `ERR_BN_DATA`. */
export async function foldAttempts(bytes: Uint8Array, external?: ReadExternal): Promise<FoldAttempts> {
  return attemptsOf(await readWhole(bytes, external)).found;
}

/** The same with the layers themselves, in the same order. */
export function attemptsOf(model: Model): { found: FoldAttempts; layers: readonly Layer[] } {
  const lookup = topLookup(model);
  const context = { model, wiring: wiringOf(model), lookup, options: { duplicate: true }, folded: new Map() };
  const ends = endsPath(context);
  const seen = new Set<NodeProto>();
  const layers: Layer[] = [];
  // An Add after a MatMul knows its bias, so nodes are visited from the end.
  for (const node of model.graph.node.toReversed()) {
    if (seen.has(node) || !ends(node)) continue;
    const layer = layerOf(context, node);
    if (typeof layer === "string" || seen.has(layer.node)) continue;
    seen.add(layer.node);
    layers.push(layer);
  }
  layers.reverse();
  const biases = new Set(layers.map(({ biasNode }) => biasNode));
  const constants = model.graph.node.filter((node) => !biases.has(node) && constantMapOf(node, lookup) !== null);
  const found = { layers: layers.map(attemptOf), norms: normsOf(model), constants: new Set(constants.map(keyOf)) };
  return { found, layers };
}

function attemptOf({ node, label, values, biasValues, factor }: Layer): FoldAttempt & { dims: readonly number[] } {
  const { data, dims, narrow, dtype } = values;
  const { u, smallest } = FLOAT_TYPES[narrow ?? dtype];
  return {
    label: isCarrier(node) ? label : labelOf(node, 0),
    weights: data,
    bias: biasValues,
    factor,
    dims,
    u,
    smallest: smallest / 2,
  };
}
