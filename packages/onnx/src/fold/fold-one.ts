import type { NodeProto } from "onnx-buf";
import type { Model } from "../graph/proto.ts";
import { createRanks } from "../graph/ranks.ts";
import type { NormRecord } from "../layers/record.ts";
import { type ChannelAffine, keepsZero, unusable } from "./affine.ts";
import { isCarrier } from "./carriers.ts";
import { type Context, endsPath, type Layer, layerOf, readOnce } from "./layer.ts";
import { pathUp, reshapeMoves } from "./links.ts";
import { lossOf } from "./loss.ts";
import type { FoldRow } from "./report.ts";
import { dropUnread, replaceInput, storedAs } from "./store.ts";
import { type FoldedWeights, foldBefore, foldBehind } from "./weights.ts";

/** Identifies a node in both networks: its name, or the tensor that it computes. */
export function keyOf({ name, output: [y = ""] }: NodeProto): string {
  return name || y;
}

/** A node that may be folded away. */
export interface Candidate {
  readonly node: NodeProto;
  readonly name: string;
  /** The input of the map. */
  readonly x: string;
  /** null for products and sums with constants. */
  readonly norm: NormRecord | null;
  /** Its map over this many channels on `channelAxis` of a tensor with `rank` axes, or the reason why there is none. */
  over(channels: number, channelAxis: number, rank: number): ChannelAffine | string;
}

/** Folds the candidate into the layer before it. Returns a text if that is not possible. */
export function foldIntoLast(context: Context, candidate: Candidate): FoldRow | string {
  const { model, wiring } = context;
  const isEnd = endsPath(context);
  if (isEnd(candidate.node)) return "it gives a MatMul its bias";
  const path = pathUp(model, wiring, candidate.x, isEnd);
  if (typeof path === "string") return `no layer before it can be used: ${path}`;
  const { carrier: end, between } = path;
  const layer = layerOf(context, end);
  if (typeof layer === "string") return layer;
  const { outputs } = layer.layout;
  const rank = layer.rank ?? rankOf(model, end.output[0] ?? "");
  if (rank === null) return `the number of axes of ${layer.label}'s output is not known`;
  for (const one of between) {
    if (one.opType !== "Reshape") continue;
    if (candidate.norm === null) return "a Reshape is between them, after which the constant may apply to other axes";
    const moves = reshapeMoves(wiring, one, outputs, rank === 2);
    if (moves !== null) return moves;
  }
  // The channels of a product are on its last axis, those of a normalization on axis 1.
  const axis = layer.rank === null ? rank - 1 : 1;
  if (candidate.norm !== null && axis !== 1) return `${layer.label} has its channels on axis ${axis}, not 1`;
  const affine = candidate.over(outputs, axis, rank);
  if (typeof affine === "string") return affine;
  const folded = foldBehind(layer.weightValues, layer.biasValues, layer.layout, affine);
  return store(context, candidate, layer, folded, affine, "behind", () => {
    if (candidate.norm !== null && candidate.node.opType === "Add") return; // this node holds the bias now
    const last = between[0] ?? end;
    model.graph.valueInfo = model.graph.valueInfo.filter(({ name }) => name !== last.output[0]);
    last.output[0] = candidate.node.output[0] ?? "";
    remove(model, candidate.node);
  });
}

/**
 * Folds the candidate into the layer after it, which must be its only reader. Returns a text if that is not possible.
 */
export function foldIntoNext(context: Context, candidate: Candidate): FoldRow | string {
  const { model, wiring } = context;
  const y = candidate.node.output[0] ?? "";
  const needed = wiring.neededElsewhere(y);
  if (needed !== null) return `no layer after it can be used: its output ${needed}`;
  const [node, ...others] = wiring.readersOf(y);
  if (node === undefined || others.length > 0)
    return `no layer after it can be used: ${others.length + 1} nodes read its output`;
  if (!isCarrier(node) || node.input[0] !== y) return `no layer after it can be used: ${node.opType} reads its output`;
  const layer = layerOf(context, node);
  if (typeof layer === "string") return layer;
  const gemm = node.opType === "Gemm" ? node.attribute : [];
  if (gemm.some(({ name, i }) => name === "transA" && i !== 0n)) return `${layer.label} transposes its input`;
  const rank = layer.rank ?? rankOf(model, y);
  if (rank === null || (layer.rank === null && rank !== 2))
    return `${layer.label} does not read channels on axis 1 alone`;
  const affine = candidate.over(layer.layout.inputs, 1, rank);
  if (typeof affine === "string") return affine;
  if (layer.pads && !keepsZero(affine))
    return `${layer.label} pads with zeros, which the normalization would have changed`;
  const folded = foldBefore(layer.weightValues, layer.biasValues, layer.layout, affine, layer.factor);
  return store(context, candidate, layer, folded, affine, "before", () => {
    node.input[0] = candidate.x;
    remove(model, candidate.node);
  });
}

/**
 * Stores the folded weights and lets `rewire` remove the candidate. If a number does not fit the type, nothing is
 * changed.
 */
function store(
  { model, wiring, options, folded: all }: Context,
  candidate: Candidate,
  layer: Layer,
  folded: FoldedWeights,
  affine: ChannelAffine,
  side: "before" | "behind",
  rewire: () => void,
): FoldRow | string {
  const wrong = unusable(affine) ?? options.leave?.get(layer.label) ?? null;
  if (wrong !== null) return wrong;
  const loss = lossOf(candidate.norm, side === "behind" ? layer.biasValues : null);
  const most = options.maxLostDigits ?? Number.POSITIVE_INFINITY;
  if (loss.lostDigits > most) {
    return `channel ${loss.worstChannel} could lose ${loss.lostDigits.toFixed(1)} digits, more than ${most}`;
  }
  const { node, tensor, label } = layer;
  const weights = storedAs(`${tensor.name || label}_folded`, tensor.dataType, layer.values.dims, folded.weights);
  if (typeof weights === "string") return `the weights of ${label}: ${weights}`;
  const bias = storedAs(`${node.name || node.output[0]}_bias`, tensor.dataType, [layer.layout.outputs], folded.bias);
  if (typeof bias === "string") return `the bias of ${label}: ${bias}`;
  const unbiased = layer.biasNode === null && folded.bias.every((value) => value === 0);
  if (layer.biasNode === null && !unbiased && (side === "before" || candidate.norm === null)) {
    return `${label} has no bias of its own`;
  }
  const earlier = all.get(node);
  const ends = { x: node.input[0] ?? "", y: (layer.biasNode ?? node).output[0] ?? "" };
  const step = {
    norm: candidate.norm,
    name: keyOf(candidate.node),
    x: candidate.x,
    y: candidate.node.output[0] ?? "",
  };
  const row: FoldRow = {
    ...{ node: candidate.name, operator: candidate.node.opType, status: "folded", into: label, side, reason: "" },
    ...loss,
  };
  const own = (one: NodeProto, index: number) => readOnce(wiring, one.input[index] ?? "");
  const unread = [...candidate.node.input, ...node.input, ...(layer.biasNode?.input ?? [])];
  replaceInput(model, node, 1, weights, own(node, 1));
  if (layer.biasNode !== null) {
    replaceInput(model, layer.biasNode, layer.biasIndex, bias, own(layer.biasNode, layer.biasIndex));
    const beta = node.attribute.find(({ name }) => name === "beta");
    if (beta) beta.f = 1; // Gemm's beta is already contained in the bias.
  } else if (!unbiased) {
    becomeAdd(candidate);
    replaceInput(model, candidate.node, 1, bias, false);
  }
  rewire();
  dropUnread(model, unread);
  const steps = [...(earlier?.steps ?? []), { side, affine, ...step }];
  all.set(node, { ...(earlier ?? { layer, x: ends.x, y: ends.y }), exact: folded, steps });
  return row;
}

/** A MatMul cannot hold a bias, so an Add takes the place of the normalization. */
function becomeAdd({ node, x }: Candidate): void {
  node.opType = "Add";
  node.attribute = [];
  node.input = [x];
  node.output = node.output.slice(0, 1);
}

function remove(model: Model, node: NodeProto): void {
  model.graph.node = model.graph.node.filter((one) => one !== node);
}

function rankOf(model: Model, name: string): number | null {
  const ranks = createRanks(model.graph);
  for (const node of model.graph.node) ranks.learn(node);
  return ranks.of(name) ?? null;
}
