import type { NodeProto } from "onnx-buf";
import { modelError } from "../graph/errors.ts";
import { type Model, namesReadBy } from "../graph/proto.ts";
import { topLookup } from "../graph/scope.ts";
import { type NormNode, readNodes } from "../layers/nodes.ts";
import type { BatchNormScaleRecord } from "../layers/record.ts";

/** A node that gets new statistics. */
export interface ChosenNode {
  readonly name: string;
  readonly x: string;
  /** The node's output, which identifies the node in every form of the model. */
  readonly y: string;
  readonly layer: BatchNormScaleRecord;
  /** TensorProto.DataType of its mean and variance. */
  readonly dataType: number;
  /** The number of chosen nodes on the longest path that leads to this one. */
  readonly level: number;
}

/** A node that does not get new statistics, and the reason. */
export interface LeftNode {
  readonly name: string;
  readonly reason: string;
}

export interface Choice {
  /** The nodes in the model's order. */
  readonly nodes: readonly ChosenNode[];
  readonly left: readonly LeftNode[];
}

/**
 * Chooses the BatchNormalization nodes of a model that can get new statistics and are `wanted`.
 *
 * Errors: `ERR_BN_DATA` if a node reads the output of a later one.
 */
export function chooseNodes(model: Model, wanted: (name: string) => boolean): Choice {
  const left: LeftNode[] = [];
  const chosen = new Map<NodeProto, NormNode & { readonly layer: BatchNormScaleRecord }>();
  for (const found of readNodes({ model, origins: new Map() })) {
    const reason = "broken" in found ? `is damaged: ${found.broken}` : whyLeft(found, wanted);
    if (reason === null && "layer" in found && found.layer) chosen.set(found.node, { ...found, layer: found.layer });
    else left.push({ name: found.name, reason: reason ?? "" });
  }
  const levels = levelsOf(model, new Set(chosen.keys()));
  const lookup = topLookup(model);
  const nodes = [...chosen].map(([node, { name, tensors, layer }]): ChosenNode => {
    const mean = lookup(tensors.mean);
    const dataType = "why" in mean ? 0 : mean.dataType;
    return { name, x: tensors.x, y: tensors.y, layer, dataType, level: levels.get(node) ?? 0 };
  });
  return { nodes, left };
}

function whyLeft({ name, where, layer, computed, training }: NormNode, wanted: (name: string) => boolean) {
  if (!wanted(name)) return "was not chosen: it keeps its statistics";
  if (where !== "") return `lies in ${where}, which may run any number of times per batch; inline it`;
  if (training) return "is in training mode: it uses the statistics of each batch, not stored ones";
  return layer === null ? computed : null;
}

/** For each of `some`, the number of others on the longest path that leads to it. */
function levelsOf({ graph }: Model, some: ReadonlySet<NodeProto>): ReadonlyMap<NodeProto, number> {
  const behind = new Map<string, number>();
  const later = new Set(graph.node.flatMap(({ output }) => output));
  later.delete("");
  const levels = new Map<NodeProto, number>();
  for (const node of graph.node) {
    let level = 0;
    for (const name of namesReadBy(node)) {
      if (later.has(name)) {
        throw modelError(
          `node "${node.name || node.output[0]}" reads "${name}", which a later node computes; ONNX requires sorted nodes; export the model again`,
        );
      }
      level = Math.max(level, behind.get(name) ?? 0);
    }
    if (some.has(node)) levels.set(node, level++);
    for (const name of node.output) {
      behind.set(name, level);
      later.delete(name);
    }
  }
  return levels;
}
