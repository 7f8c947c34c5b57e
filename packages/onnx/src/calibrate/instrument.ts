import { create } from "@bufbuild/protobuf";
import { type NodeProto, type TensorProto, TensorProtoSchema } from "onnx-buf";
import { intAttribute, intsAttribute, intTensor, nodeOf, tensorOf } from "../graph/encode.ts";
import { packNumbers } from "../graph/float-types.ts";
import { altered, type Model, opsetOf } from "../graph/proto.ts";
import type { ChosenNode } from "./nodes.ts";

/** A node's statistics as they are stored: in its type, with the shape of its parameters. */
export interface StoredStatistics {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/** How a chosen node runs while data goes through the network. */
export type Role =
  /** Its input is measured. With `own` it normalizes by the measured statistics, as in training. */
  | { readonly kind: "measured"; readonly own: boolean }
  /** It already has new statistics. */
  | { readonly kind: "settled"; readonly stored: StoredStatistics }
  /** It keeps its statistics. */
  | { readonly kind: "kept" };

/** Names of the tensors that hold the moments of a node's input: float64 [C], and a scalar for `count`. */
export interface MomentNames {
  readonly shift: string;
  readonly low: string;
  readonly m2: string;
  readonly count: string;
}

const DOUBLE = 11;

/** The first operator set in which the axes of an operator are an input and not an attribute. */
const AXES_AS_INPUT = { ReduceMean: 18, ReduceSum: 13, ReduceSumSquare: 18 } as const;

/**
 * A model that measures. Before each measured node it has nodes that compute the moments of its input in float64 (M-3),
 * so that activations neither leave ONNX Runtime nor are kept longer than the network keeps them.
 *
 * Math    x as [N, C, L]; s a mean of x over N and L, d = x - s; low = sum d / n, M2 = sum d^2 - low sum d, n = N L.
 *         mean = s + low; a node with `own` gets mean and M2 / n instead of its statistics.
 */
export function instrument(
  model: Model,
  nodes: readonly ChosenNode[],
  roleOf: (node: ChosenNode) => Role,
): { readonly model: Model; readonly moments: ReadonlyMap<ChosenNode, MomentNames> } {
  const { graph } = model;
  const opset = opsetOf(model);
  const byOutput = new Map(nodes.map((node) => [node.y, node]));
  const moments = new Map<ChosenNode, MomentNames>();
  const added: TensorProto[] = [];
  const rewritten = graph.node.flatMap((node): NodeProto[] => {
    const chosen = byOutput.get(node.output[0] ?? "");
    const role = chosen && roleOf(chosen);
    if (!chosen || !role || role.kind === "kept") return [node];
    const prefix = `@bn/calibrate/${nodes.indexOf(chosen)}`;
    const [x = "", scale = "", bias = ""] = node.input;
    if (role.kind === "settled") {
      const tensors = (["mean", "variance"] as const).map((what) =>
        create(TensorProtoSchema, {
          name: `${prefix}/${what}`,
          dataType: chosen.dataType,
          dims: chosen.layer.parameterShape.map(BigInt),
          rawData: packNumbers(chosen.dataType, role.stored[what]),
        }),
      );
      added.push(...tensors);
      return [altered(node, { input: [x, scale, bias, ...tensors.map(({ name }) => name)] })];
    }
    const measured = measure(prefix, x, chosen.layer.channels, opset);
    added.push(...measured.tensors);
    moments.set(chosen, measured.names);
    if (!role.own) return [...measured.nodes, node];
    const own = normalizeBy(prefix, measured.names, chosen);
    added.push(...own.tensors);
    return [...measured.nodes, ...own.nodes, altered(node, { input: [x, scale, bias, own.mean, own.variance] })];
  });
  const changed = altered(graph, { node: rewritten, initializer: [...graph.initializer, ...added] });
  return { model: altered(model, { graph: changed }) as Model, moments };
}

interface Piece {
  readonly nodes: readonly NodeProto[];
  readonly tensors: readonly TensorProto[];
}

/**
 * Nodes that compute the moments of `x`, which is [N, C, ...] or, if spatial is 0 and channels are positions, [N,
 * ...C].
 */
function measure(prefix: string, x: string, channels: number, opset: number): Piece & { readonly names: MomentNames } {
  const at = (name: string) => `${prefix}/${name}`;
  const step = (op: string, inputs: readonly string[], output: string) =>
    nodeOf(op, at(output), inputs.map(at), [at(output)]);
  const reduce = (op: keyof typeof AXES_AS_INPUT, input: string, output: string, axis: 0 | 2, keep: 0 | 1) => {
    const inputs = [at(input)];
    const attributes = [intAttribute("keepdims", keep)];
    if (opset >= AXES_AS_INPUT[op]) inputs.push(at(`axis${axis}`));
    else attributes.unshift(intsAttribute("axes", [axis]));
    return nodeOf(op, at(output), inputs, [at(output)], attributes);
  };
  const names = { shift: at("shift"), low: at("low"), m2: at("m2"), count: at("count") };
  const nodes = [
    nodeOf("Cast", at("wide"), [x], [at("wide")], [intAttribute("to", DOUBLE)]),
    step("Reshape", ["wide", "shape"], "flat"),
    // The axes are reduced one after the other. This needs fewer consecutive additions, and ONNX Runtime has fast code
    // for it.
    reduce("ReduceMean", "flat", "means", 2, 1),
    reduce("ReduceMean", "means", "shift3", 0, 1),
    step("Sub", ["flat", "shift3"], "d"),
    reduce("ReduceSum", "d", "sums", 2, 0),
    reduce("ReduceSum", "sums", "sum", 0, 0),
    reduce("ReduceSumSquare", "d", "squares", 2, 0),
    reduce("ReduceSum", "squares", "square", 0, 0),
    step("Size", ["flat"], "size"),
    nodeOf("Cast", at("values"), [at("size")], [at("values")], [intAttribute("to", DOUBLE)]),
    step("Div", ["values", "channels"], "count"),
    step("Reshape", ["shift3", "vector"], "shift"),
    step("Div", ["sum", "count"], "low"),
    step("Mul", ["low", "sum"], "excess"),
    step("Sub", ["square", "excess"], "m2"),
  ];
  const tensors = [
    intTensor(at("shape"), [0, channels, -1]),
    intTensor(at("vector"), [channels]),
    tensorOf(at("channels"), [], new Float64Array([channels])),
    ...(opset >= 13 ? [intTensor(at("axis0"), [0]), intTensor(at("axis2"), [2])] : []),
  ];
  return { nodes, tensors, names };
}

/** The mean and variance of the batch, in the form that the node reads. */
function normalizeBy(prefix: string, { shift, low, m2, count }: MomentNames, { layer, dataType }: ChosenNode) {
  const at = (name: string) => `${prefix}/own/${name}`;
  const parameters = at("shape");
  const stored = (from: string, to: string) => [
    nodeOf("Cast", at(`${to}1`), [from], [at(`${to}1`)], [intAttribute("to", dataType)]),
    nodeOf("Reshape", at(to), [at(`${to}1`), parameters], [at(to)]),
  ];
  const nodes = [
    nodeOf("Add", at("sum"), [shift, low], [at("sum")]),
    nodeOf("Div", at("quotient"), [m2, count], [at("quotient")]),
    // For a constant channel, rounding may give a value slightly below 0. NaN stays NaN.
    nodeOf("Abs", at("positive"), [at("quotient")], [at("positive")]),
    ...stored(at("sum"), "mean"),
    ...stored(at("positive"), "variance"),
  ];
  const tensors = [intTensor(parameters, layer.parameterShape)];
  return { nodes, tensors, mean: at("mean"), variance: at("variance") };
}
