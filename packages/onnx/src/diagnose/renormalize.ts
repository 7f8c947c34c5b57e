import type { Shape } from "@bn/core";
import type { NodeProto, TensorProto } from "onnx-buf";
import { intAttribute, intsAttribute, intTensor, nodeOf, tensorOf } from "../graph/encode.ts";
import { altered, attributeOf, type Model, opsetOf } from "../graph/proto.ts";
import { piecesOf } from "../verify/pieces.ts";
import { countOf } from "../verify/problem.ts";
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
    const added = moments(node, i, (places[i] as Place).shape, opsetOf(model));
    initializer.push(...added.weights);
    return [replaced, ...added.nodes];
  });
  return altered(model, { graph: altered(graph, { node: nodes, initializer }) });
}

const AXES = "@bn/diagnose/axes";
/** The number of values that are converted to float64 at a time. Several copies of them are in memory. */
const MOST = 2 ** 20;

/** The nodes that compute mean and variance of X of one place, and their weights. A large X is cut into slices. */
function moments({ input: [x = ""] }: NodeProto, i: number, shape: Shape, opset: number) {
  const [outer = 1, channels = 1] = shape;
  const inner = countOf(shape, 2);
  const pieces = [...piecesOf({ outer, channels, inner }, Math.max(MOST, inner))];
  if (pieces.length <= 1) return { nodes: momentsOf(x, meanName(i), varianceName(i), opset), weights: [] };
  const slices = pieces.map(({ offset, channel, g }, k) => {
    const name = (what: string) => `@bn/diagnose/${i}/${k}/${what}`;
    const first = Math.floor(offset / (channels * inner));
    const range = { starts: [first, channel], ends: [first + g.outer, channel + g.channels], axes: [0, 1] };
    const given = Object.entries(range);
    const [inputs, attributes] =
      opset >= 10
        ? [given.map(([what, values]) => named(intTensor("", values), name(what))), []]
        : [[], given.map(([what, values]) => intsAttribute(what, values))];
    const slice = nodeOf("Slice", "", [x, ...inputs.map((one) => one.name)], [name("x")], attributes);
    const [mean, variance] = [name("mean"), name("variance")];
    return { mean, variance, inputs, nodes: [slice, ...momentsOf(name("x"), mean, variance, opset)] };
  });
  const joined = (of: "mean" | "variance", to: string) =>
    nodeOf(
      "Concat",
      "",
      slices.map((slice) => slice[of]),
      [to],
      [intAttribute("axis", 0)],
    );
  return {
    nodes: [...slices.flatMap(({ nodes }) => nodes), joined("mean", meanName(i)), joined("variance", varianceName(i))],
    weights: slices.flatMap(({ inputs }) => inputs),
  };
}

const named = (tensor: TensorProto, name: string) => altered(tensor, { name });

/** Mean and variance per instance and channel, [N * C, 1]. */
function momentsOf(x: string, mean: string, variance: string, opset: number): NodeProto[] {
  const [flat, wide, off, square] = ["flat", "wide", "off", "square"].map((what) => `${mean}/${what}`) as [
    string,
    string,
    string,
    string,
  ];
  const reduce = (from: string, to: string) =>
    opset >= 18
      ? nodeOf("ReduceMean", "", [from, AXES], [to])
      : nodeOf("ReduceMean", "", [from], [to], [intsAttribute("axes", [1])]);
  return [
    nodeOf("Flatten", "", [x], [flat], [intAttribute("axis", 2)]),
    nodeOf("Cast", "", [flat], [wide], [intAttribute("to", DOUBLE)]),
    reduce(wide, mean),
    nodeOf("Sub", "", [wide, mean], [off]),
    nodeOf("Mul", "", [off, off], [square]),
    reduce(square, variance),
  ];
}
