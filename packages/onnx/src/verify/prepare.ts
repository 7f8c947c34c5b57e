import type { NodeProto } from "onnx-buf";
import { graphsOf, type Model, opsetOf } from "../graph/proto.ts";
import { isNorm } from "../layers/nodes.ts";
import { readAttributes } from "../layers/operator.ts";

/** Attributes that BatchNormalization has, by the operator set in which they went. */
const UNTIL: Readonly<Record<string, number>> = { consumed_inputs: 6, is_test: 7, spatial: 9 };

/**
 * Brings a model into a form that ONNX Runtime loads, in place and without changing what it computes: nodes of one name
 * get names of their own, BatchNormalization loses attributes that its operator set does not have and outputs that
 * inference does not give, and in training its outputs get names, without which ONNX Runtime 1.30 crashes.
 */
export function prepare(model: Model): void {
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
      if (isNorm(node)) prepareNorm(node, index, opset);
    }
  }
}

function prepareNorm(node: NodeProto, index: number, opset: number): void {
  const attributes = readAttributes(node, opset);
  if (typeof attributes === "string") return; // damaged, and said so elsewhere
  node.attribute = node.attribute.filter(
    ({ name }) => opset < ((Object.hasOwn(UNTIL, name) ? UNTIL[name] : undefined) ?? Number.POSITIVE_INFINITY),
  );
  if (!attributes.training) {
    node.output = node.output.slice(0, 1);
  } else if (opset >= 14) {
    const named = (i: number, name: string) => node.output[i] || `@bn/${index}/${node.output[0]}/${name}`;
    node.output = [node.output[0] ?? "", named(1, "running_mean"), named(2, "running_var")];
  }
}
