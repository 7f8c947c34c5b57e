import { BnError } from "@bn/core";
import type { Model } from "../graph/proto.ts";
import type { Diagnostic } from "../layers/diagnostic.ts";
import { type NormNode, readNodes, titleOf } from "../layers/nodes.ts";

interface FoundNodes {
  readonly nodes: readonly NormNode[];
  /** Nodes that were left out, each with the reason, and what was assumed of the others. */
  readonly diagnostics: readonly Diagnostic[];
}

export const TRAINING = "is in training mode, expected inference; export the model after eval()";

/**
 * Every BatchNormalization at the top level of a model, in its order.
 *
 * Errors: `ERR_BN_DATA` naming node and tensor: no such node, unless there may be none, missing or ill-shaped parameters, attributes out of range.
 */
export function findNodes(model: Model, mayBeNone = false): FoundNodes {
  const nodes: NormNode[] = [];
  const left: Diagnostic[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const found of readNodes(model)) {
    const title = titleOf(found);
    if ("broken" in found) throw bad(`${title}: ${found.broken}`);
    const { name: node } = found;
    if (found.where !== "") {
      const message = `BatchNormalization ${found.label} lies in ${found.where}: only the top level is looked at; inline it`;
      left.push({ kind: "left out", node, message });
      continue;
    }
    nodes.push(found);
    for (const what of found.assumed) diagnostics.push({ kind: "assumed", node, message: `${title}: ${what}` });
    if (found.training) diagnostics.push({ kind: "left out", node, message: `${title}: ${TRAINING}` });
  }
  if (nodes.length > 0 || mayBeNone) return { nodes, diagnostics: [...left, ...diagnostics] };
  const text =
    left.length === 0
      ? "where export fused them into convolutions, export it without that"
      : left.map(({ message }) => message).join("; ");
  throw bad(`ONNX model: no BatchNormalization among the ${model.graph.node.length} nodes of the graph; ${text}`);
}

function bad(message: string): BnError {
  return new BnError("ERR_BN_DATA", message);
}
