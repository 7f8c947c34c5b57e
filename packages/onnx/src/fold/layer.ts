import type { NodeProto, TensorProto } from "onnx-buf";
import { isOnnxDomain, labelOf, type Model } from "../graph/proto.ts";
import type { Lookup } from "../graph/scope.ts";
import { type Numbers, numbersOf } from "../graph/tensor.ts";
import { type Carrier, carrierOf, isCarrier } from "./carriers.ts";
import type { FoldOptions } from "./fold.ts";
import type { FoldStep } from "./task.ts";
import type { FoldedWeights } from "./weights.ts";
import type { Wiring } from "./wiring.ts";

/** A layer that contains one normalization or more: the original and the new weights, in float64. */
export interface FoldedLayer {
  readonly layer: Layer;
  readonly exact: FoldedWeights;
  readonly steps: readonly PlacedStep[];
  /** The layer's own input and output, including its bias, before anything was folded. */
  readonly x: string;
  readonly y: string;
}

/** A step, with the tensors before and after it. */
interface PlacedStep extends FoldStep {
  readonly x: string;
  readonly y: string;
}

export interface Context {
  readonly model: Model;
  readonly wiring: Wiring;
  readonly lookup: Lookup;
  readonly options: FoldOptions;
  /** Folded layers by their nodes. */
  readonly folded: Map<NodeProto, FoldedLayer>;
}

/** A layer with weights, with its bias as stored in the file. */
export interface Layer extends Carrier {
  readonly node: NodeProto;
  readonly label: string;
  readonly tensor: TensorProto;
  readonly values: Numbers;
  /** The weights. If they were folded before, they are not rounded. */
  readonly weightValues: ArrayLike<number>;
  /** The bias per output, times the factor that the operator applies to it; null if there is no bias. */
  readonly biasValues: Float64Array | null;
  /**
   * The node that adds the bias, and the index of that input. The node is the layer itself, or the Add after a MatMul;
   * null without a bias.
   */
  readonly biasNode: NodeProto | null;
  readonly biasIndex: number;
}

/** Whether a normalization may follow this node: a layer with weights, or the Add that gives a MatMul its bias. */
export function endsPath({ wiring, lookup }: Context): (node: NodeProto) => boolean {
  return (node) => isCarrier(node) || addedTo(wiring, lookup, node) !== null;
}

/** The layer that `end` is, or whose bias it adds, or a text that says why its weights cannot be changed. */
export function layerOf(context: Context, end: NodeProto): Layer | string {
  const { lookup, wiring, options, model, folded } = context;
  const added = addedTo(wiring, lookup, end);
  const node = added === null ? end : added.matMul;
  const label = `${node.opType} ${labelOf(node, 0)}`;
  const name = node.input[1] ?? "";
  const tensor = lookup(name);
  if ("why" in tensor) return `the weights of ${label} are not in the file: tensor "${name}" ${tensor.why}`;
  const values = numbersOf(tensor);
  if (typeof values === "string")
    return `the weights of ${label}, tensor "${name}", cannot be folded into: it ${values}`;
  const carrier = carrierOf(node, values.dims);
  if (typeof carrier === "string") return `${label}: ${carrier}`;
  if (!readOnce(wiring, name) && !options.duplicate) {
    return `the weights of ${label}, tensor "${name}", are also read elsewhere; --duplicate (option duplicate) folds a copy`;
  }
  if (model.irVersion >= 4n && model.graph.input.some((input) => input.name === name)) {
    return `the weights of ${label}, tensor "${name}", are an input of the graph, which callers may set`;
  }
  const [biasNode, biasIndex] = added ? [end, added.index] : [carrier.bias === null ? null : node, carrier.bias ?? 0];
  const biasName = biasNode?.input[biasIndex] ?? "";
  const biasValues = biasName === "" ? null : biasOf(lookup, biasName, carrier);
  if (typeof biasValues === "string") return `the bias of ${label}, tensor "${biasName}", ${biasValues}`;
  const exact = folded.get(node)?.exact;
  return {
    ...carrier,
    ...{ node, label, tensor, values, biasNode, biasIndex },
    weightValues: exact?.weights ?? values.data,
    biasValues: exact?.bias ?? biasValues,
  };
}

/** Whether `name` is read by one input of one node and by nothing else. */
export function readOnce(wiring: Wiring, name: string): boolean {
  return wiring.readersOf(name).length === 1 && wiring.neededElsewhere(name) === null;
}

function biasOf(lookup: Lookup, name: string, { layout, biasFactor }: Carrier): Float64Array | string {
  const tensor = lookup(name);
  if ("why" in tensor) return `is not in the file: it ${tensor.why}`;
  const numbers = numbersOf(tensor);
  if (typeof numbers === "string") return numbers;
  const { dims, data } = numbers;
  const single = data.length === 1;
  if ((data.length !== layout.outputs && !single) || dims.slice(0, -1).some((dim) => dim !== 1)) {
    return `has shape [${dims}], expected one value per output, ${layout.outputs}`;
  }
  return Float64Array.from({ length: layout.outputs }, (_, o) => (data[single ? 0 : o] as number) * biasFactor);
}

/**
 * The MatMul to whose output `node` adds a constant, if it is the only reader, with the index of the constant;
 * otherwise null.
 */
function addedTo(wiring: Wiring, lookup: Lookup, node: NodeProto): { matMul: NodeProto; index: number } | null {
  if (node.opType !== "Add" || !isOnnxDomain(node.domain)) return null;
  for (const index of [0, 1]) {
    const constant = lookup(node.input[index] ?? "");
    const product = node.input[1 - index] ?? "";
    const matMul = wiring.producerOf(product);
    if ("why" in constant || matMul?.opType !== "MatMul" || !readOnce(wiring, product)) continue;
    return { matMul, index };
  }
  return null;
}
