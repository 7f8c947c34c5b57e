import type { Shape } from "@bn/core";
import type { NodeProto } from "onnx-buf";
import { intAttribute, intsAttribute, intTensor, nodeOf, tensorOf } from "../graph/encode.ts";
import { altered, attributeOf, type Model, opsetOf } from "../graph/proto.ts";
import type { StoredNode } from "./suspicion.ts";

/** A node, with the shape of its X in the measuring run. */
export interface Place {
  readonly node: StoredNode;
  readonly shape: Shape;
}

/** Gives another scale to run a node with, for a what-if. */
export type ScaleOf = (node: StoredNode) => ArrayLike<number>;

export const meanName = (i: number) => `@bn/diagnose/${i}/mean`;
export const varianceName = (i: number) => `@bn/diagnose/${i}/variance`;

/** The least number of values per channel; fewer do not determine a variance well. */
export const ENOUGH_VALUES = 16;

const DOUBLE = 11;

/**
 * A copy of the network that normalizes by the statistics of its input, as in training, instead of the stored ones.
 * Each place becomes an InstanceNormalization, so that the numbers stored in one node do not affect the input of the
 * next. The copy also gives, for each place, the mean and variance of X per instance and channel, in float64.
 */
export function renormalized(model: Model, places: readonly Place[], scaleOf: ScaleOf | null): Model {
  const { graph } = model;
  const index = new Map(places.map(({ node }, i) => [node.node, i] as const));
  const initializer = [...graph.initializer];
  if (opsetOf(model) >= 18) initializer.push(Object.assign(intTensor("", [1]), { name: AXES }));
  const nodes = graph.node.flatMap((node) => {
    const i = index.get(node);
    if (i === undefined) return [node];
    const inputs = node.input.slice(0, 3);
    if (scaleOf) {
      inputs[1] = `@bn/diagnose/${i}/scale`;
      const { layer } = (places[i] as Place).node;
      const values = Float64Array.from(scaleOf((places[i] as Place).node));
      const data = layer.dtype === "float32" ? Float32Array.from(values) : values;
      initializer.push(tensorOf(inputs[1], [values.length], data));
    }
    const epsilon = attributeOf(node, "epsilon");
    const attributes = epsilon ? [epsilon] : [];
    const replaced = nodeOf("InstanceNormalization", node.name, inputs, node.output.slice(0, 1), attributes);
    return [replaced, ...moments(node, i, opsetOf(model))];
  });
  return altered(model, { graph: altered(graph, { node: nodes, initializer }) });
}

const AXES = "@bn/diagnose/axes";

function moments({ input: [x = ""] }: NodeProto, i: number, opset: number): NodeProto[] {
  const name = (what: string) => `@bn/diagnose/${i}/${what}`;
  const [flat, wide, off, square] = ["flat", "wide", "off", "square"].map(name) as [string, string, string, string];
  const reduce = (from: string, to: string) =>
    opset >= 18
      ? nodeOf("ReduceMean", "", [from, AXES], [to])
      : nodeOf("ReduceMean", "", [from], [to], [intsAttribute("axes", [1])]);
  return [
    nodeOf("Flatten", "", [x], [flat], [intAttribute("axis", 2)]),
    nodeOf("Cast", "", [flat], [wide], [intAttribute("to", DOUBLE)]),
    reduce(wide, meanName(i)),
    nodeOf("Sub", "", [wide, meanName(i)], [off]),
    nodeOf("Mul", "", [off, off], [square]),
    reduce(square, varianceName(i)),
  ];
}
