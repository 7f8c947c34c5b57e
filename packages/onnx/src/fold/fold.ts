import { toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, type NodeProto } from "onnx-buf";
import type { ReadExternal } from "../graph/external.ts";
import { readWhole } from "../graph/load.ts";
import { labelOf, type Model } from "../graph/proto.ts";
import { topLookup } from "../graph/scope.ts";
import { type NormNode, readNodes } from "../layers/nodes.ts";
import { affineOf, unusable } from "./affine.ts";
import { constantMapOf } from "./constants.ts";
import { type Candidate, foldIntoLast, foldIntoNext } from "./fold-one.ts";
import type { Context, FoldedLayer } from "./layer.ts";
import type { FoldRow } from "./report.ts";
import { wiringOf } from "./wiring.ts";

export interface FoldOptions {
  /** Reads the files that the model keeps data in; `openModel` of `@bn/onnx/node` gives it. */
  readonly external?: ReadExternal;
  /**
   * Weights that other nodes also read are copied, and the copy is folded. Default false: such a layer is left
   * unchanged.
   */
  readonly duplicate?: boolean;
  /** Do not fold a layer if folding could cancel more than this many decimal digits of a channel. Default: no limit. */
  readonly maxLostDigits?: number;
  /** Layers that must not be folded, by the names that rows have in `into`, with the reason. */
  readonly leave?: ReadonlyMap<string, string>;
}

export interface Folded {
  /** The model. Only the folded nodes and weights have changed. */
  readonly bytes: Uint8Array;
  /** One row per BatchNormalization of the model, and per product or sum with constants after a layer with weights. */
  readonly rows: readonly FoldRow[];
}

/**
 * Folds every BatchNormalization, where possible, into the layer next to it: Conv, ConvTranspose, Gemm or MatMul.
 *
 * Math    after a layer, w' = w * gain and b' = (b - mean) * gain + beta over its outputs; before one, w' = w * gain
 *         over its inputs and b' = b + sum w * (beta - mean * gain). gain = scale / sqrt(var + epsilon). In float64,
 *         rounded once to the weights' type. docs/folding.md derives both, and a bound for the difference of the
 *         results.
 * Left    nodes that are not folded, with the reason in their row: the tensor between is read elsewhere or is an
 *         output; weights are shared, computed or quantised; training mode; padding that would no longer be zero;
 *         numbers beyond the type's range; nodes inside of subgraphs and functions.
 * Errors  `ERR_BN_DATA`: a file that cannot be read.
 * Source  docs/folding.md, F-1 to F-4.
 *
 * @example
 * ```ts
 * import { batchNormOf, buildModel, foldModel } from "@bn/onnx";
 * const one = new Float32Array([1]);
 * const { rows } = await foldModel(buildModel(batchNormOf([one, one, [1], one, one])));
 * console.log(rows[0]!.status, rows[0]!.reason); // left no layer before it can be used: tensor "X" is given by no node; no layer after it can be used: its output is an output of the graph
 * ```
 */
export async function foldModel(bytes: Uint8Array, options: FoldOptions = {}): Promise<Folded> {
  const model = await readWhole(bytes, options.external);
  const { rows } = foldAll(model, options);
  return { bytes: toBinary(ModelProtoSchema, model), rows };
}

interface FoldedAll {
  readonly rows: readonly FoldRow[];
  /** Folded layers by their nodes. */
  readonly layers: ReadonlyMap<NodeProto, FoldedLayer>;
  /** The nodes of the top level that are not folded, with the reason. */
  readonly left: readonly { readonly node: NodeProto; readonly reason: string }[];
}

/** Folds in place, and returns the original of every layer that contains a normalization now. */
export function foldAll(model: Model, options: FoldOptions): FoldedAll {
  const folded = new Map<NodeProto, FoldedLayer>();
  const rows = new Map<NodeProto | string, FoldRow>();
  const norms = new Map<NodeProto, NormNode>();
  for (const found of readNodes({ model, origins: new Map() })) {
    const node = "node" in found && found.topLevel ? found.node : undefined;
    const key = node ?? `${found.where} ${found.label}`;
    const why = "broken" in found ? found.broken : whyLeft(found);
    rows.set(key, leftRow(found.name, "BatchNormalization", why ?? "no layer with weights is next to it"));
    if (node && "node" in found && why === null) norms.set(node, found);
  }
  // A fold may bring the next normalization next to a layer, so this repeats until nothing changes.
  const context = () => ({ model, wiring: wiringOf(model), lookup: topLookup(model), options, folded });
  let now: Context = context();
  for (let moved = true; moved; ) {
    moved = false;
    for (const node of [...model.graph.node]) {
      const candidate = candidateOf(now, node, norms);
      if (candidate === null) continue;
      const row = foldOne(now, candidate);
      if (row === null) continue;
      rows.set(node, row);
      if (row.status === "left") continue;
      norms.delete(node);
      moved = true;
      now = context();
    }
  }
  const left = [...rows].flatMap(([node, { status, reason }]) => {
    return typeof node === "string" || status !== "left" ? [] : [{ node, reason }];
  });
  return { rows: [...rows.values()], layers: folded, left };
}

function whyLeft({ where, layer, computed, training, spatial }: NormNode): string | null {
  if (where !== "") return "it is inside a subgraph or function, whose tensors may be read elsewhere";
  if (layer === null) return computed ?? "its weights are not in the file";
  if (training) return "it is in training mode";
  return spatial ? unusable(affineOf(layer)) : "spatial is 0: it normalizes positions, not channels";
}

function leftRow(node: string, operator: string, reason: string): FoldRow {
  return { node, operator, status: "left", into: "", side: null, reason, lostDigits: 0, worstChannel: null };
}

function candidateOf(
  { model, lookup }: Context,
  node: NodeProto,
  norms: ReadonlyMap<NodeProto, NormNode>,
): Candidate | null {
  const name = node.name || labelOf(node, model.graph.node.indexOf(node));
  const norm = norms.get(node);
  if (norm?.layer) {
    const affine = affineOf(norm.layer);
    const { channels } = norm.layer;
    const over = (count: number) => (count === channels ? affine : `it has ${channels} channels, the layer ${count}`);
    return { node, name, x: norm.tensors.x, norm: norm.layer, over };
  }
  const map = constantMapOf(node, lookup);
  return map && { node, name, x: map.x, norm: null, over: map.over };
}

/** Folds a candidate into the layer before it, or into the layer after it, and returns its row. */
function foldOne(context: Context, candidate: Candidate): FoldRow | null {
  const behind = foldIntoLast(context, candidate);
  if (typeof behind !== "string") return behind;
  if (candidate.norm === null) return null; // a product or sum that follows no layer is not a normalization
  const before = foldIntoNext(context, candidate);
  if (typeof before !== "string") return before;
  return leftRow(candidate.name, candidate.node.opType, `${behind}; ${before}`);
}
