import { create } from "@bufbuild/protobuf";
import type { GraphProto, NodeProto } from "onnx-buf";
import { NodeProtoSchema } from "onnx-buf";
import { altered, attributeOf, graphsIn, isOnnxDomain, labelOf, type Model, nestedIn } from "../graph/proto.ts";
import { isNormalization } from "./nodes.ts";

/** An If at the top level that contains a normalization. */
export interface Branching {
  readonly node: NodeProto;
  readonly label: string;
  /** The tensor that chooses the branch. */
  readonly condition: string;
}

export function branchings({ graph }: Model): Branching[] {
  return graph.node.flatMap((node, index) => {
    if (node.opType !== "If" || !isOnnxDomain(node.domain) || !holdsNormalization(node)) return [];
    return [{ node, label: labelOf(node, index), condition: node.input[0] ?? "" }];
  });
}

function holdsNormalization(node: NodeProto): boolean {
  return nestedIn([node]).some((graph) => graph.node.some(isNormalization));
}

/**
 * Replaces an If by the branch that is taken, so that its nodes are at the top level and read and write the same
 * tensors. Returns the branch that is not taken.
 */
export function takeBranch(
  model: Model,
  { node, label }: Branching,
  taken: boolean,
  origins: Map<NodeProto, string>,
): GraphProto | null {
  const [name, other] = taken ? ["then_branch", "else_branch"] : ["else_branch", "then_branch"];
  const branch = attributeOf(node, name)?.g;
  if (!branch) return null;
  const { graph } = model;
  const outer = origins.get(node);
  const where = `If node ${label}, ${name}${outer ? `, in ${outer}` : ""}`;
  const used = new Set([...graph.node.flatMap(({ output }) => output), ...graph.initializer.map((one) => one.name)]);
  const renamed = new Map<string, string>();
  const own = [
    ...branch.node.flatMap(({ output }) => output),
    ...branch.initializer.map((one) => one.name),
    ...branch.sparseInitializer.map(({ values }) => values?.name ?? ""),
  ];
  for (const one of own) if (one !== "" && used.has(one)) renamed.set(one, `@bn/${label}/${one}`);
  const rename = (one: string) => renamed.get(one) ?? one;
  for (const inner of branch.node) {
    renameIn(inner, rename);
    if (!origins.has(inner)) origins.set(inner, where);
  }
  const copies = branch.output.map(({ name: from }, i) =>
    create(NodeProtoSchema, { opType: "Identity", input: [rename(from)], output: [node.output[i] ?? ""] }),
  );
  for (const tensor of branch.initializer) tensor.name = rename(tensor.name);
  for (const { values } of branch.sparseInitializer) if (values) values.name = rename(values.name);
  graph.node = graph.node.flatMap((one) =>
    one === node ? [...branch.node, ...copies.filter(({ output }) => output[0] !== "")] : [one],
  );
  graph.initializer.push(...branch.initializer);
  graph.sparseInitializer.push(...branch.sparseInitializer);
  graph.valueInfo.push(...branch.valueInfo.map((value) => altered(value, { name: rename(value.name) })));
  return attributeOf(node, other)?.g ?? null;
}

function renameIn(node: NodeProto, rename: (name: string) => string): void {
  node.input = node.input.map(rename);
  node.output = node.output.map(rename);
  for (const graph of graphsIn(node)) {
    for (const inner of graph.node) renameIn(inner, rename);
    for (const value of graph.output) value.name = rename(value.name);
  }
}
