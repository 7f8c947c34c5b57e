import { BnError } from "@bn/core";
import { create } from "@bufbuild/protobuf";
import { type GraphProto, type NodeProto, OperatorSetIdProtoSchema, type TensorProto } from "onnx-buf";
import { intsAttribute, nodeOf } from "./encode.ts";
import { modelError } from "./errors.ts";
import { CHANGED, GONE, type Rewrite, take } from "./old-forms.ts";
import { altered, attributeOf, graphsIn, isOnnxDomain, labelOf, type Model, opsetOf } from "./proto.ts";
import { createRanks, type Ranks } from "./ranks.ts";

/** The first operator set that ONNX Runtime loads. */
const TARGET = 7;

/** Operators that broadcast like numpy since version 7. Before, the attributes `broadcast` and `axis` determined it. */
const BROADCAST = new Set("Add Sub Mul Div Pow And Or Xor Equal Greater Less PRelu".split(" "));

/** The ranks and weights that a graph can use: its own and those of the graphs around it. */
interface Scope {
  readonly opset: number;
  readonly ranks: Ranks;
  readonly stored: ReadonlyMap<string, TensorProto>;
  /** The number of added initialisers over all graphs, whose names must be unique. */
  readonly count: { value: number };
}

/**
 * Rewrites a model of operator sets 1 to 6 as a model of operator set 7, in place, including subgraphs, with all node
 * names kept. ONNX Runtime cannot load the older sets. Returns the nodes of the top level that cannot be rewritten: the
 * form of the operator has no counterpart, or rewriting needs the rank or the values of a tensor that the model does
 * not tell. Each comes with an `ERR_BN_DATA` that names the node, for callers that need it.
 *
 * Source: the changelog of the ONNX operators; ONNX's onnx/version_converter does the same one version at a time.
 */
export function upgrade(model: Model): ReadonlyMap<NodeProto, BnError> {
  const opset = opsetOf(model);
  const failures = new Map<NodeProto, BnError>();
  if (opset >= TARGET) return failures;
  const scope = { opset, ranks: createRanks(model.graph), stored: new Map(), count: { value: 0 } };
  upgradeGraph(model.graph, scope, (node, error) => failures.set(node, error));
  // Since IR 4, initialisers need not be inputs of the graph.
  if (model.irVersion < 4n) model.irVersion = 4n;
  const own = model.opsetImport.filter(({ domain }) => isOnnxDomain(domain));
  for (const entry of own) entry.version = BigInt(TARGET);
  if (own.length === 0)
    model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(TARGET) }));
  return failures;
}

function upgradeGraph(
  graph: GraphProto,
  outer: Scope,
  onFailure: ((node: NodeProto, error: BnError) => void) | null,
): void {
  const stored = new Map([...outer.stored, ...graph.initializer.map((tensor) => [tensor.name, tensor] as const)]);
  for (const node of graph.node) {
    const value = node.opType === "Constant" ? attributeOf(node, "value")?.t : undefined;
    if (value) stored.set(node.output[0] ?? "", value);
  }
  const { opset, ranks, count } = outer;
  const added: TensorProto[] = [];
  const rewritten = (node: NodeProto, index: number): NodeProto[] => {
    for (const inner of graphsIn(node))
      upgradeGraph(inner, { opset, ranks: createRanks(inner, ranks), stored, count }, null);
    if (!isOnnxDomain(node.domain)) return [node];
    const rewrite: Rewrite = {
      opset,
      rankOf: ranks.of,
      stored,
      put(tensor) {
        tensor.name = `@bn/onnx/${index}/${count.value++}`;
        added.push(tensor);
        return tensor.name;
      },
      fail: (what) =>
        modelError(
          `operator set ${opset}, ${node.opType} node ${labelOf(node, index)}: ${what}; convert the model, e.g. with onnx.version_converter`,
        ),
    };
    ranks.learn(node);
    const gone = ["consumed_inputs", ...(GONE.get(node.opType) ?? [])];
    const before = node.attribute;
    node.attribute = before.filter(({ name }) => !gone.includes(name));
    if (BROADCAST.has(node.opType)) return broadcast(node, rewrite);
    CHANGED.get(node.opType)?.(node, rewrite, before);
    return [node];
  };
  graph.node = graph.node.flatMap((node, index) => {
    try {
      return rewritten(node, index);
    } catch (error) {
      if (onFailure === null || !(error instanceof BnError)) throw error;
      onFailure(node, error);
      return [node];
    }
  });
  graph.initializer.push(...added);
}

/** The axes of B [b1, ...] correspond to A's axes from `axis` on. Since 7, trailing ones express this. */
function broadcast(node: NodeProto, { rankOf, stored, put, fail }: Rewrite): NodeProto[] {
  const on = take(node, "broadcast");
  const axis = take(node, "axis");
  // PRelu never had these attributes. Its slope [C] was on axis 1.
  const at = node.opType === "PRelu" ? 1 : on && on.i !== 0n && axis ? Number(axis.i) : null;
  if (at === null) return [node];
  const [a = "", b = ""] = node.input;
  const [rankA, rankB] = [rankOf(a), rankOf(b)];
  if (rankA === undefined || rankB === undefined) {
    throw fail(`broadcasts by axis ${at}, and the model does not contain the rank of "${rankA === undefined ? a : b}"`);
  }
  const trailing = rankA - (at < 0 ? at + rankA : at) - rankB;
  if (node.opType === "PRelu" && (rankB !== 1 || trailing <= 0)) return [node];
  if (trailing < 0) throw fail(`broadcasts "${b}" (${rankB} axes) from axis ${at} of "${a}" (${rankA} axes)`);
  if (trailing === 0) return [node];
  const tensor = stored.get(b);
  if (tensor) {
    const ones = new Array<bigint>(trailing).fill(1n);
    node.input = [a, put(altered(tensor, { dims: [...tensor.dims, ...ones] }))];
    return [node];
  }
  const axes = Array.from({ length: trailing }, (_, i) => rankB + i);
  const wide = `@bn/onnx/${node.output[0]}/wide`;
  node.input = [a, wide];
  return [nodeOf("Unsqueeze", `${wide}/unsqueeze`, [b], [wide], [intsAttribute("axes", axes)]), node];
}
