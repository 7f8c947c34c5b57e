import type { NodeProto } from "onnx-buf";
import { attributeOf, intOf, isOnnxDomain, type Model, opsetOf } from "../graph/proto.ts";
import { wholeNumbersOf } from "../graph/tensor.ts";
import type { Wiring } from "./wiring.ts";

/**
 * The nodes from a normalization up to the layer before it, nearest first, or the reason why there is no such layer.
 */
export type Path = { readonly carrier: NodeProto; readonly between: readonly NodeProto[] } | string;

/**
 * Follows tensor `name`, which only `reader` may read, up to a layer with weights. It passes through Identity, Dropout
 * in inference, and Reshape that leaves channels in place.
 */
export function pathUp(model: Model, wiring: Wiring, name: string, isEnd: (node: NodeProto) => boolean): Path {
  const between: NodeProto[] = [];
  for (let at = name; ; ) {
    const needed = wiring.neededElsewhere(at);
    if (needed !== null) return `tensor "${at}" between them ${needed}`;
    if (wiring.readersOf(at).length > 1) return `tensor "${at}" between them is also read elsewhere`;
    const producer = wiring.producerOf(at);
    if (producer === undefined) return `tensor "${at}" is given by no node`;
    if (isEnd(producer)) return { carrier: producer, between };
    const blocked = whyBlocked(model, wiring, producer, at);
    if (blocked !== null) return blocked;
    between.push(producer);
    at = producer.input[0] ?? "";
  }
}

function whyBlocked(model: Model, wiring: Wiring, node: NodeProto, output: string): string | null {
  const label = `${node.opType}${node.name === "" ? "" : ` "${node.name}"`}`;
  if (!isOnnxDomain(node.domain)) return `${label} of domain ${node.domain} is between them`;
  if (node.opType === "Identity") return null;
  if (node.opType === "Dropout") {
    const extra = node.output.slice(1).some((name) => name !== "");
    const mode = node.input[2] ?? "";
    const training = opsetOf(model) >= 12 ? mode !== "" && !isFalse(wiring, mode) : isTraining(node, opsetOf(model));
    return extra || training || node.output[0] !== output ? `${label} in training mode is between them` : null;
  }
  if (node.opType === "Reshape") return null; // reshapeMoves judges it once the layer at the end is known
  return `${label} stands between`;
}

/** Dropout has is_test before operator set 7; from 7 to 11 it means inference. */
function isTraining(node: NodeProto, opset: number): boolean {
  return opset < 7 && intOf(node, "is_test", 0) === 0;
}

function isFalse(wiring: Wiring, name: string): boolean {
  const tensor = wiring.tensorOf(name);
  if (tensor === undefined) return false;
  return tensor.rawData.length > 0
    ? tensor.rawData.every((byte) => byte === 0)
    : tensor.int32Data.every((v) => v === 0);
}

/**
 * The reason why a Reshape in between moves channels, or null: [0, 0 or C, ...] copies batch and channels, and the
 * other axes stay within a channel. Rows of a matrix, `flat`, may also become [-1, C, 1, 1].
 */
export function reshapeMoves(wiring: Wiring, node: NodeProto, channels: number, flat: boolean): string | null {
  const shape = shapeOf(wiring, node);
  const zeroCopies = intOf(node, "allowzero", 0) === 0;
  const [batch, second, ...rest] = shape ?? [];
  const keeps = zeroCopies && batch === 0 && (second === 0 || second === channels);
  const rows = flat && (batch === -1 || batch === 0) && second === channels && rest.every((dim) => dim === 1);
  if (shape !== null && (keeps || rows)) return null;
  return `Reshape${node.name === "" ? "" : ` "${node.name}"`} between them may move channels (its shape is ${shape === null ? "computed" : `[${shape}]`})`;
}

function shapeOf(wiring: Wiring, node: NodeProto): number[] | null {
  const attribute = attributeOf(node, "shape");
  if (attribute) return attribute.ints.map(Number);
  const name = node.input[1] ?? "";
  const producer = wiring.producerOf(name);
  const tensor = wiring.tensorOf(name) ?? (producer && attributeOf(producer, "value")?.t);
  const found = tensor ? wholeNumbersOf(tensor) : "";
  return typeof found === "string" ? null : [...found.data];
}
