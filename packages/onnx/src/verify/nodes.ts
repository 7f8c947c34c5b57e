import type { NodeProto } from "onnx-buf";
import type { ReadModel } from "../graph/load.ts";
import { attributeOf, graphsOf, isOnnxDomain, labelOf, opsetOf } from "../graph/proto.ts";
import { createScopes, type Lookup } from "../graph/scope.ts";
import { isNorm, type NodePlace, type NormNode, readNodes } from "../layers/nodes.ts";
import { repeatedAttribute } from "../layers/operator.ts";

/** Operators that normalize each instance by statistics of its own. */
const INSTANCE_OPERATORS = ["InstanceNormalization", "GroupNormalization", "LayerNormalization"] as const;
type InstanceOperator = (typeof INSTANCE_OPERATORS)[number];

/** A node with one of these operators. Its inputs are X, scale and B, which LayerNormalization may omit. */
export interface InstanceNode extends NodePlace {
  readonly operator: InstanceOperator;
  readonly topLevel: boolean;
  readonly node: NodeProto;
  readonly opset: number;
  readonly epsilon: number;
  readonly tensors: { readonly x: string; readonly scale: string; readonly bias: string | null; readonly y: string };
}

/** The nodes that `verifyModel` compares. */
export type ComparedNode = (NormNode & { readonly operator: "BatchNormalization" }) | InstanceNode;

/** A node that is not compared, with the reason in words. */
export interface LeftNode extends NodePlace {
  readonly operator: string;
  readonly broken: string;
}

/** Every normalization of a model, with batch normalization first. */
export function findNodes(read: ReadModel): (ComparedNode | LeftNode)[] {
  const batch = [...readNodes(read)].map((node) => ({ ...node, operator: "BatchNormalization" as const }));
  const opset = opsetOf(read.model);
  const scopeOf = createScopes();
  const others = graphsOf(read.model).flatMap((graph) =>
    graph.nodes.flatMap((node, index) => {
      const operator = INSTANCE_OPERATORS.find((one) => one === node.opType);
      if (!operator || !isOnnxDomain(node.domain)) return [];
      const where = read.origins.get(node) ?? graph.where;
      const place = { operator, label: labelOf(node, index), name: node.name || labelOf(node, index), where };
      return [readInstance(node, place, opset, graph.where === "", scopeOf(graph))];
    }),
  );
  return inOrder(read, [...batch, ...others]);
}

/** The nodes of the top level in its order, then the others. */
function inOrder({ model }: ReadModel, found: (ComparedNode | LeftNode)[]): (ComparedNode | LeftNode)[] {
  const places = new Map(model.graph.node.map((node, i) => [node, i]));
  const at = (one: ComparedNode | LeftNode) =>
    "node" in one ? (places.get(one.node) ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
  return found
    .map((one, i) => ({ one, i, place: at(one) }))
    .toSorted((a, b) => (a.place === b.place ? a.i - b.i : a.place - b.place))
    .map(({ one }) => one);
}

function readInstance(
  node: NodeProto,
  place: NodePlace & { readonly operator: InstanceOperator },
  opset: number,
  topLevel: boolean,
  lookup: Lookup,
): InstanceNode | LeftNode {
  const [x = "", scale = "", bias = ""] = node.input;
  const y = node.output[0] ?? "";
  const optional = place.operator === "LayerNormalization";
  if (x === "" || scale === "" || y === "" || (bias === "" && !optional))
    return {
      ...place,
      broken: `has inputs [${node.input}] and outputs [${node.output}], expected X, scale, B and Y; export the model again`,
    };
  const twice = repeatedAttribute(node) ?? namesGivenTwice(node, lookup);
  if (twice !== null) return { ...place, broken: twice };
  const epsilon = attributeOf(node, "epsilon");
  if (epsilon && epsilon.refAttrName !== "")
    return { ...place, broken: "epsilon refers to an attribute of its function, which nothing calls" };
  const value = epsilon?.f ?? Math.fround(1e-5);
  if (!(value >= 0 && value < Number.POSITIVE_INFINITY))
    return { ...place, broken: `epsilon is ${value}, expected a finite number >= 0` };
  return { ...place, topLevel, node, opset, epsilon: value, tensors: { x, scale, bias: bias === "" ? null : bias, y } };
}

function namesGivenTwice({ input, output }: NodeProto, lookup: Lookup): string | null {
  for (const name of [...input, ...output]) {
    const found = name === "" ? null : lookup(name);
    if (found && "why" in found && found.why.startsWith("is defined twice"))
      return `tensor "${name}" ${found.why}; export the model again`;
  }
  return null;
}

/** Whether a node is one of the operators that are compared. */
export function isNormalization(node: NodeProto): boolean {
  return isNorm(node) || (isOnnxDomain(node.domain) && INSTANCE_OPERATORS.some((one) => one === node.opType));
}
