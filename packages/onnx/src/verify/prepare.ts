import type { BnError } from "@bn/core";
import { isFieldSet } from "@bufbuild/protobuf";
import { type AttributeProto, AttributeProtoSchema, type NodeProto } from "onnx-buf";
import { nodeOf } from "../graph/encode.ts";
import { altered, graphsOf, type Model, opsetOf } from "../graph/proto.ts";
import { upgrade } from "../graph/upgrade.ts";
import { isNorm } from "../layers/nodes.ts";
import { readAttributes } from "../layers/operator.ts";

/** Attributes of BatchNormalization, with the range [from, to) of operator sets that have them. */
const WITHIN: Readonly<Record<string, readonly [from: number, to: number]>> = {
  consumed_inputs: [1, 6],
  is_test: [1, 7],
  spatial: [1, 9],
  training_mode: [14, Number.POSITIVE_INFINITY],
};

/**
 * Changes a model, in place, into a form that ONNX Runtime loads, without changing its results. Old operator sets are
 * rewritten by `upgrade`, whose failures are returned. Nodes with the same name get unique names. BatchNormalization
 * loses attributes that its operator set does not have, and outputs that inference does not give. Attributes get the
 * type that old files leave out. In training its outputs get names, without which ONNX Runtime 1.30 crashes.
 */
export function prepare(model: Model): ReadonlyMap<NodeProto, BnError> {
  const failures = upgrade(model);
  const opset = opsetOf(model);
  for (const graph of graphsOf(model)) {
    const given = new Set(graph.nodes.map(({ name }) => name));
    const taken = new Set<string>();
    for (const [index, node] of graph.nodes.entries()) {
      if (node.name !== "" && taken.has(node.name)) {
        let name = `${node.name}#${index}`;
        while (given.has(name) || taken.has(name)) name += "'";
        node.name = name;
      }
      taken.add(node.name);
      for (const attribute of node.attribute) if (attribute.type === 0) attribute.type = typeOf(attribute);
      if (isNorm(node)) prepareNorm(node, index, opset);
    }
  }
  return failures;
}

/** Fields of an attribute by its type, as AttributeProto numbers them. */
const FIELDS = { f: 1, i: 2, s: 3, t: 4, g: 5, floats: 6, ints: 7, strings: 8, tensors: 9, graphs: 10 } as const;

/** The type of an attribute by the field that is set; 0 if none is. */
function typeOf(attribute: AttributeProto): number {
  const { field } = AttributeProtoSchema;
  const set = Object.entries(FIELDS).find(([name]) => isFieldSet(attribute, field[name as keyof typeof FIELDS]));
  return set?.[1] ?? 0;
}

/**
 * Makes a node safe for others. In training before operator set 14, ONNX Runtime updates the running statistics in the
 * memory of its inputs, which other nodes may read. Two negations give the node a copy of its own.
 */
export function withOwnStatistics(node: NodeProto, opset: number): NodeProto[] {
  if (opset >= 14 || !isNorm(node)) return [node];
  const attributes = readAttributes(node, opset);
  if (typeof attributes === "string" || !attributes.training) return [node];
  const copies = node.input.slice(3, 5).map((name, i) => {
    const [half, whole] = [`@bn/${node.output[0]}/negated/${i}`, `@bn/${node.output[0]}/own/${i}`];
    return { whole, nodes: [nodeOf("Neg", "", [name], [half]), nodeOf("Neg", "", [half], [whole])] };
  });
  const input = [...node.input.slice(0, 3), ...copies.map(({ whole }) => whole)];
  return [...copies.flatMap(({ nodes }) => nodes), altered(node, { input })];
}

function prepareNorm(node: NodeProto, index: number, opset: number): void {
  const attributes = readAttributes(node, opset);
  if (typeof attributes === "string") return; // damaged, which is reported elsewhere
  node.attribute = node.attribute.filter(({ name }) => {
    const [from, to] = (Object.hasOwn(WITHIN, name) ? WITHIN[name] : undefined) ?? [0, Number.POSITIVE_INFINITY];
    return opset >= from && opset < to;
  });
  if (!attributes.training) {
    node.output = node.output.slice(0, 1);
  } else if (opset >= 14) {
    const named = (i: number, name: string) => node.output[i] || `@bn/${index}/${node.output[0]}/${name}`;
    node.output = [node.output[0] ?? "", named(1, "running_mean"), named(2, "running_var")];
  }
}
