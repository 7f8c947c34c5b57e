import { BnError, type HostArray, type Shape } from "@bn/core";
import type { AttributeProto, NodeProto, TensorProto } from "onnx-buf";
import { floatAttribute, intAttribute, intsAttribute, intTensor, nodeOf, tensorOf } from "../graph/encode.ts";
import { mergeScales } from "./merge.ts";
import { arrayOf, type LayerRecord, type NormRecord, quotients, type ScaleRecord } from "./record.ts";

/** The operator sets in which BatchNormalization changed. */
export const OPSETS = [1, 6, 7, 9, 14, 15] as const;
export type Opset = (typeof OPSETS)[number];

export interface NodeOptions {
  /** The names of the first node's input and of the last one's output. Default "X" and "Y". */
  readonly input?: string;
  readonly output?: string;
  /** Before every other name, so that a graph can hold several. Default "". */
  readonly prefix?: string;
  /** Default 15. */
  readonly opset?: Opset;
  /** BatchNormalization in training mode. Default false. */
  readonly training?: boolean;
  /** Number of axes of X: needed for a Scale that does not end with X, and for an axis other than 1. */
  readonly rank?: number;
  /**
   * m, the number of values per channel in the batches of training: divides the variance by m / (m - 1), so that training
   * goes on in ONNX with statistics all of one kind. Inference then differs from the layer's. Default: as stored.
   */
  readonly populationOf?: number;
  /** ONNX's momentum in place of the layers' movingAverageFraction; see `momentumAt`. */
  readonly momentum?: number;
}

/** Nodes to put into a graph, in order, and their inputs and outputs other than X and Y. */
export interface OnnxNodes {
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  /** Scales that come as a second bottom. */
  readonly inputs: readonly { readonly name: string; readonly shape: Shape }[];
  /** running_mean and running_var of each BatchNormalization in training mode. */
  readonly running: readonly { readonly name: string; readonly channels: number }[];
}

interface Part {
  nodes: NodeProto[];
  initializers: TensorProto[];
  inputs: { name: string; shape: Shape }[];
  running: { name: string; channels: number }[];
}

interface Place {
  readonly input: string;
  readonly output: string;
  readonly prefix: string;
  readonly opset: number;
  readonly training: boolean;
  readonly rank: number | undefined;
  readonly momentum: number | undefined;
  /** What the variance is multiplied by. */
  readonly population: number;
}

/**
 * Layers in a row as ONNX nodes. A Scale after a BatchNorm whose gamma is 1 and beta 0 becomes its scale and B where it
 * covers the channels; any other becomes Mul and Add, which round as the layer does.
 *
 * Math    scale = gamma, or 1; B = beta, or 0. mean and var are the sums divided by the factor as BN-6 does it:
 *         s = fl(1 / factor), or 0 where that is 0, and fl(sum * s): bit for bit what the layer itself uses.
 *         momentum = movingAverageFraction: ONNX steps new = momentum * old + (1 - momentum) * batch, which is what
 *         sums and factor do once factor has reached its limit 1 / (1 - fraction). Before that a step of ours has the
 *         momentum that `momentumAt` tells. ONNX averages the variance over m, we store it times m / (m - 1) (BN-7):
 *         values go over as they are, and a training step there takes in a variance smaller by that factor; with
 *         `populationOf` they are brought to ONNX's kind first.
 * Errors  `ERR_BN_PARAM`: no layer, an operator set that is not one of `OPSETS`, a rank that is missing or does not fit,
 *         a populationOf below 1.
 *
 * @example
 * ```ts
 * import { batchNormOf, exportNodes } from "@bn/onnx";
 * const one = new Float32Array([1]);
 * const { nodes, initializers } = exportNodes([batchNormOf([one, one, one])], { input: "conv1", output: "bn1" });
 * console.log(nodes[0]!.opType, initializers.map(({ name }) => name)); // BatchNormalization [ 'scale', 'B', 'mean', 'var' ]
 * ```
 */
export function exportNodes(layers: readonly LayerRecord[], options: NodeOptions = {}): OnnxNodes {
  const { input = "X", output = "Y", prefix = "", opset = 15, training = false, rank, momentum } = options;
  const { populationOf: m } = options;
  if (m !== undefined && !(m >= 1)) {
    throw new BnError("ERR_BN_PARAM", `exportNodes: populationOf is ${m}, expected the number of values per channel`);
  }
  if (!OPSETS.includes(opset))
    throw new BnError("ERR_BN_PARAM", `exportNodes: opset is ${opset}, expected ${OPSETS.join(", ")}`);
  const merged = mergeScales(layers, rank);
  if (merged.length === 0) throw new BnError("ERR_BN_PARAM", "exportNodes: no layers, expected one at least");
  const all: Part = { nodes: [], initializers: [], inputs: [], running: [] };
  for (const [i, layer] of merged.entries()) {
    const own = merged.length > 1 ? `${prefix}${i}.` : prefix;
    const place: Place = {
      input: i === 0 ? input : `${prefix}${i - 1}.Y`,
      output: i === merged.length - 1 ? output : `${prefix}${i}.Y`,
      prefix: own,
      opset,
      training,
      rank,
      momentum,
      population: m === undefined || m === 1 ? 1 : (m - 1) / m,
    };
    const part = layer.type === "Scale" ? scaleNodes(layer, place) : batchNormNodes(layer, place);
    all.nodes.push(...part.nodes);
    all.initializers.push(...part.initializers);
    all.inputs.push(...part.inputs);
    all.running.push(...part.running);
  }
  return all;
}

const TRAINING_OUTPUTS = ["running_mean", "running_var", "saved_mean", "saved_var"];

function batchNormNodes(layer: NormRecord, place: Place): Part {
  const { input, output, prefix, opset, training, rank, population } = place;
  const { axis, channels, dtype, eps } = layer;
  const { mean, variance } = quotients(layer);
  const swapped = axis === 1 ? null : transposition(axis, rank);
  const [x, y] = swapped ? [`${prefix}X_nchw`, `${prefix}Y_nchw`] : [input, output];
  const attribute = [
    floatAttribute("epsilon", Math.fround(eps)),
    floatAttribute("momentum", place.momentum ?? layer.movingAverageFraction),
  ];
  attribute.push(...modeAttributes(opset, training));
  const extra = training ? TRAINING_OUTPUTS.slice(0, opset >= 14 ? 2 : 4).map((name) => prefix + name) : [];
  const operands = {
    scale: layer.gamma ?? arrayOf(dtype, new Array(channels).fill(1)),
    B: layer.beta ?? arrayOf(dtype, new Array(channels).fill(0)),
    mean,
    var: variance.map((value) => value * population),
  };
  const weights = Object.entries(operands).map(([name, data]) => tensorOf(prefix + name, [channels], data));
  const inputs = [x, ...weights.map(({ name }) => name)];
  const node = nodeOf("BatchNormalization", `${prefix}batch_norm`, inputs, [y, ...extra], attribute);
  const turn = (name: string, from: string, to: string) =>
    nodeOf("Transpose", prefix + name, [from], [to], [intsAttribute("perm", swapped as number[])]);
  return {
    nodes: swapped ? [turn("to_nchw", input, x), node, turn("from_nchw", y, output)] : [node],
    initializers: weights,
    inputs: [],
    running: extra.slice(0, 2).map((name) => ({ name, channels })),
  };
}

function modeAttributes(opset: number, training: boolean): AttributeProto[] {
  if (opset >= 14) return [intAttribute("training_mode", training ? 1 : 0)];
  if (opset >= 7) return [];
  const old = [intAttribute("is_test", training ? 0 : 1)];
  return opset === 1 ? [...old, intsAttribute("consumed_inputs", [0, 0, 0, 1, 1])] : old;
}

/** Swaps the axis of channels with axis 1: its own inverse. */
function transposition(axis: number, rank: number | undefined): number[] {
  const at = axisOf(axis, rank, 1);
  const perm = Array.from({ length: rank as number }, (_, i) => i);
  // With one axis there is nothing to swap: X of rank 1 has one channel in ONNX.
  if (perm.length > 1) [perm[1], perm[at]] = [at, 1];
  return perm;
}

/** y = fl(fl(x * scale) + bias), S-1. The scale gets trailing ones, or before opset 7 the attribute `axis`. */
function scaleNodes(layer: ScaleRecord, { input, output, prefix, opset, rank }: Place): Part {
  const { gamma: scale, beta: bias, parameterShape: shape, axis } = layer;
  const covered = shape.length;
  const at = covered === 0 ? 0 : axisOf(axis, rank, covered);
  const broadcasts = opset < 7;
  const trailing = covered === 0 || broadcasts ? 0 : (rank as number) - at - covered;
  const dims = [...shape, ...new Array<number>(trailing).fill(1)];
  const attributes = broadcasts ? [intAttribute("broadcast", 1), intAttribute("axis", at)] : [];
  const part: Part = { nodes: [], initializers: [], inputs: [], running: [] };
  const put = (name: string, data: HostArray) => {
    part.initializers.push(tensorOf(prefix + name, dims, data));
    return prefix + name;
  };
  let factor: string;
  if (scale) {
    factor = put("scale", scale);
  } else {
    part.inputs.push({ name: `${prefix}S`, shape });
    factor = `${prefix}S`;
    if (trailing > 0) {
      part.initializers.push(intTensor(`${prefix}S_dims`, dims));
      part.nodes.push(nodeOf("Reshape", `${prefix}reshape`, [factor, `${prefix}S_dims`], [`${prefix}S_wide`]));
      factor = `${prefix}S_wide`;
    }
  }
  const product = bias ? `${prefix}product` : output;
  part.nodes.push(nodeOf("Mul", `${prefix}mul`, [input, factor], [product], attributes));
  if (bias) part.nodes.push(nodeOf("Add", `${prefix}add`, [product, put("bias", bias)], [output], attributes));
  return part;
}

function axisOf(axis: number, rank: number | undefined, covered: number): number {
  const at = axis < 0 && rank !== undefined ? axis + rank : axis;
  if (rank !== undefined && Number.isInteger(at) && at >= 0 && at + covered <= rank) return at;
  const what =
    rank === undefined ? "needs the rank of X; pass it" : `covers ${covered} of the ${rank} axes of X; it does not fit`;
  throw new BnError("ERR_BN_PARAM", `exportNodes: a layer with axis ${axis} ${what}`);
}
