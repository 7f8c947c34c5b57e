import { BnError } from "@bn/core";
import type { NodeProto } from "onnx-buf";
import type { Diagnostic } from "./diagnostic.ts";
import { readAttributes } from "./operator.ts";
import { attributeOf, graphsOf, isOnnxDomain, labelOf, type Model, opsetOf } from "./proto.ts";

/** A BatchNormalization node at the top level of a model. The parameters are names of tensors. */
export interface NormNode {
  /** As in messages: `"bn1"`, or `#7 (output "y")`. */
  readonly label: string;
  readonly name: string;
  readonly x: string;
  readonly scale: string;
  readonly bias: string;
  readonly mean: string;
  readonly variance: string;
  readonly y: string;
  readonly epsilon: number;
  /** false: parameters for each position, not for each channel. */
  readonly spatial: boolean;
  /** Why it is not repeated, or null. */
  readonly skip: string | null;
}

interface FoundNodes {
  readonly nodes: readonly NormNode[];
  /** Nodes that were left out, each with the reason, and what was assumed of the others. */
  readonly diagnostics: readonly Diagnostic[];
}

export const INPUTS = ["X", "scale", "B", "mean", "var"];

export function isNorm(node: NodeProto): boolean {
  return node.opType === "BatchNormalization" && isOnnxDomain(node.domain);
}

/** The node's name, or what tells it apart where it has none. */
export function nameOf(node: NodeProto, index: number): string {
  return node.name || labelOf(node, index);
}

/**
 * Every BatchNormalization at the top level of a model, in its order.
 *
 * Errors: `ERR_BN_DATA` naming node and tensor: no such node, missing or ill-shaped parameters, attributes out of range.
 */
export function findNodes(model: Model): FoundNodes {
  const opset = opsetOf(model);
  const diagnostics: Diagnostic[] = [];
  for (const { where, nodes } of graphsOf(model).slice(1)) {
    for (const [index, node] of nodes.entries()) {
      if (!isNorm(node)) continue;
      const label = `BatchNormalization ${labelOf(node, index)}`;
      // They are run, even if they are not compared.
      const attributes = readAttributes(node, opset);
      if (typeof attributes === "string") throw bad(`${label} in ${where}: ${attributes}`);
      const message = `${label} lies in ${where}: only the top level is looked at; inline it`;
      diagnostics.push({ kind: "left out", node: nameOf(node, index), message });
    }
  }
  const { node: all } = model.graph;
  if (!all.some(isNorm)) {
    const text =
      diagnostics.length === 0
        ? "where export fused them into convolutions, export it without that"
        : diagnostics.map(({ message }) => message).join("; ");
    throw bad(`ONNX model: no BatchNormalization among the ${all.length} nodes of the graph; ${text}`);
  }
  const dims = staticDims(model);
  const known = new Set([
    ...dims.keys(),
    ...model.graph.input.map(({ name }) => name),
    ...all.flatMap((n) => n.output),
  ]);
  const nodes: NormNode[] = [];
  for (const [index, node] of all.entries()) {
    if (!isNorm(node)) continue;
    const label = labelOf(node, index);
    const found = readNode(node, label, opset, dims, known);
    const say = (kind: Diagnostic["kind"], what: string) =>
      diagnostics.push({ kind, node: nameOf(node, index), message: `BatchNormalization ${label}: ${what}` });
    nodes.push(found.node);
    for (const what of found.assumed) say("assumed", what);
    if (found.node.skip) say("left out", found.node.skip);
  }
  return { nodes, diagnostics };
}

function readNode(
  node: NodeProto,
  label: string,
  opset: number,
  dims: ReadonlyMap<string, readonly bigint[]>,
  known: ReadonlySet<string>,
): { node: NormNode; assumed: readonly string[] } {
  const fail = (what: string) => bad(`BatchNormalization ${label}: ${what}`);
  if (node.input.length !== INPUTS.length) {
    throw fail(`${node.input.length} inputs, expected ${INPUTS.length}: ${INPUTS.join(", ")}; export the model again`);
  }
  for (const [i, name] of node.input.entries()) {
    if (known.has(name)) continue;
    throw fail(
      `nothing gives its input ${INPUTS[i]}, tensor "${name}": no initialiser, node or graph input; export the model again, with weights`,
    );
  }
  const attributes = readAttributes(node, opset);
  if (typeof attributes === "string") throw fail(attributes);
  const { epsilon, training, spatial, assumed } = attributes;
  const skip = training ? "is in training mode, expected inference; export the model after eval()" : null;

  const [x, scale, bias, mean, variance] = node.input as [string, string, string, string, string];
  const y = node.output[0] ?? "";
  if (y === "") throw fail("has no output; export the model again");
  const wanted = dims.get(scale);
  for (const [i, name] of [scale, bias, mean, variance].entries()) {
    const shape = dims.get(name);
    if (shape && (spatial ? shape.length !== 1 : shape.length === 0 || (wanted && String(shape) !== String(wanted)))) {
      throw fail(misfit(i, name, shape, wanted, scale));
    }
    if (shape && wanted && shape[0] !== wanted[0]) throw fail(misfit(i, name, shape, wanted, scale));
  }
  return { node: { label, name: node.name, x, scale, bias, mean, variance, y, epsilon, spatial, skip }, assumed };
}

function misfit(
  i: number,
  name: string,
  shape: readonly bigint[],
  wanted: readonly bigint[] | undefined,
  scale: string,
) {
  const expected = wanted?.length === 1 ? `[${wanted}] as scale "${scale}"` : "one axis, the channels";
  return `${INPUTS[i + 1]}, tensor "${name}", has shape [${shape}], expected ${expected}; export the model again`;
}

/** Dimensions of what the file itself holds: initialisers and Constant nodes. */
function staticDims(model: Model): Map<string, readonly bigint[]> {
  const constants = model.graph.node.flatMap((node) => {
    const value = node.opType === "Constant" ? attributeOf(node, "value")?.t : undefined;
    return value ? [[node.output[0] ?? "", value.dims] as const] : [];
  });
  return new Map([...model.graph.initializer.map(({ name, dims }) => [name, dims] as const), ...constants]);
}

function bad(message: string): BnError {
  return new BnError("ERR_BN_DATA", message);
}
