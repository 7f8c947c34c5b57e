import type { HostArray, Shape } from "@bn/core";
import type { AttributeProto, NodeProto, TensorProto } from "onnx-buf";
import { floatAttribute, intAttribute, intsAttribute, intTensor, nodeOf, tensorOf } from "../graph/encode.ts";
import { paramError } from "../graph/errors.ts";
import { mergeScales } from "./merge.ts";
import { arrayOf, type LayerRecord, type NormRecord, quotients, type ScaleRecord } from "./record.ts";

/** The operator sets in which BatchNormalization changed. */
export const OPSETS = [1, 6, 7, 9, 14, 15] as const;
export type Opset = (typeof OPSETS)[number];

export interface NodeOptions {
  /** The names of the first node's input and of the last node's output. Default "X" and "Y". */
  readonly input?: string;
  readonly output?: string;
  /** A prefix for all other names, so that a graph can hold several layers. Default "". */
  readonly prefix?: string;
  /** Default 15. */
  readonly opset?: Opset;
  /** Write BatchNormalization in training mode. Default false. */
  readonly training?: boolean;
  /**
   * The number of axes of X. It is needed for a Scale that does not cover X's last axes, and for an axis other than 1.
   */
  readonly rank?: number;
  /**
   * m, the number of values per channel in the training batches. The variance is then divided by m / (m - 1), so that
   * training in ONNX continues with the kind of variance that ONNX averages. Inference then differs from the layer's.
   * Default: the variance as stored.
   */
  readonly populationOf?: number;
  /** The momentum for ONNX, instead of the layers' movingAverageFraction; see `momentumAt`. */
  readonly momentum?: number;
}

/** Nodes for a graph, in order, with their inputs and outputs other than X and Y. */
export interface OnnxNodes {
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  /** Scales that are a second bottom. */
  readonly inputs: readonly { readonly name: string; readonly shape: Shape }[];
  /** The running_mean and running_var of each BatchNormalization in training mode. */
  readonly running: readonly { readonly name: string; readonly channels: number }[];
}

/** The same under construction. */
type Part = { -readonly [Key in keyof OnnxNodes]: OnnxNodes[Key][number][] };

interface Place {
  readonly input: string;
  readonly output: string;
  readonly prefix: string;
  readonly opset: number;
  readonly training: boolean;
  readonly rank: number | undefined;
  readonly momentum: number | undefined;
  /** The factor for the variance. */
  readonly population: number;
}

/**
 * Exports consecutive layers as ONNX nodes. A Scale that covers the channels, after a BatchNorm with gamma 1 and beta
 * 0, becomes the scale and B of that node. Any other Scale becomes Mul and Add, which round as the layer does.
 *
 * Math    scale = gamma, or 1; B = beta, or 0. mean and var are the sums divided by the factor as BN-6 does it: s =
 *         fl(1 / factor), or 0 where that is 0, and fl(sum * s): the bits that the layer itself uses. momentum =
 *         movingAverageFraction: ONNX steps new = momentum * old + (1 - momentum) * batch, which equals the layer's
 *         step once its factor has reached the limit 1 / (1 - fraction). Before that, `momentumAt` gives the momentum
 *         of a step. ONNX averages the variance over m, and the layer stores it times m / (m - 1) (BN-7). The stored
 *         values are exported unchanged, so a training step in ONNX adds a variance that is smaller by that factor.
 *         With `populationOf` the values are first converted to ONNX's kind.
 * Errors  `ERR_BN_PARAM`: no layer, an operator set that is not one of `OPSETS`, a rank that is missing or does not
 *         fit, a populationOf below 1.
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
    throw paramError(`exportNodes: populationOf is ${m}, expected the number of values per channel`);
  }
  if (!OPSETS.includes(opset)) throw paramError(`exportNodes: opset is ${opset}, expected ${OPSETS.join(", ")}`);
  const merged = mergeScales(layers, rank);
  if (merged.length === 0) throw paramError("exportNodes: no layers, expected at least one");
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

/** Swaps the axis of channels with axis 1. It is its own inverse. */
function transposition(axis: number, rank: number | undefined): number[] {
  const at = axisOf(axis, rank, 1);
  const perm = Array.from({ length: rank as number }, (_, i) => i);
  // With a single axis there is nothing to swap: in ONNX, X of rank 1 has one channel.
  if (perm.length > 1) [perm[1], perm[at]] = [at, 1];
  return perm;
}

/** y = fl(fl(x * scale) + bias), S-1. The scale gets trailing ones or, before opset 7, the attribute `axis`. */
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
    rank === undefined
      ? "needs the rank of X; pass rank"
      : `covers ${covered} of the ${rank} axes of X; it does not fit`;
  throw paramError(`exportNodes: a layer with axis ${axis} ${what}`);
}
