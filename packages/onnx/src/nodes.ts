import { BnError } from "@bn/core";
import type { NodeProto, TensorProto } from "onnx-buf";
import { attributeOf, graphsOf, isOnnxDomain, labelOf, type Model } from "./proto.ts";

/** A BatchNormalization node at the top level of a model, in inference. The parameters are names of tensors. */
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
}

interface FoundNodes {
  readonly nodes: readonly NormNode[];
  /** Nodes that were left out, each with the reason. */
  readonly diagnostics: readonly string[];
}

const INPUTS = ["X", "scale", "B", "mean", "var"];
const isNorm = (node: NodeProto) => node.opType === "BatchNormalization" && isOnnxDomain(node.domain);

/**
 * Every BatchNormalization of a model, in its order.
 *
 * Errors: `ERR_BN_DATA` naming node and tensor: no such node, an operator set before 7, training mode, spatial = 0,
 * missing or ill-shaped parameters, weights in another file.
 */
export function findNodes(model: Model): FoundNodes {
  const graphs = graphsOf(model);
  for (const { tensors } of graphs) for (const tensor of tensors) checkOwnData(tensor);

  const inner = graphs.slice(1).flatMap(({ where, nodes }) =>
    nodes.flatMap((node, index) => {
      const text = `BatchNormalization ${labelOf(node, index)} lies in ${where}: only the top level is looked at; inline it`;
      return isNorm(node) ? [text] : [];
    }),
  );
  const { node: all } = model.graph;
  if (!all.some(isNorm)) {
    const text =
      inner.length === 0 ? "where export fused them into convolutions, export it without that" : inner.join("; ");
    throw bad(`ONNX model: no BatchNormalization among the ${all.length} nodes of the graph; ${text}`);
  }
  const opset = opsetOf(model);
  const dims = staticDims(model);
  const known = new Set([
    ...dims.keys(),
    ...model.graph.input.map(({ name }) => name),
    ...all.flatMap((n) => n.output),
  ]);
  const nodes = all.flatMap((node, index) =>
    isNorm(node) ? [readNode(node, labelOf(node, index), opset, dims, known)] : [],
  );
  return { nodes, diagnostics: inner };
}

function readNode(
  node: NodeProto,
  label: string,
  opset: number,
  dims: ReadonlyMap<string, readonly bigint[]>,
  known: ReadonlySet<string>,
): NormNode {
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
  const extra = node.output.slice(1).filter((name) => name !== "");
  const training = opset >= 14 ? (attributeOf(node, "training_mode")?.i ?? 0n) !== 0n : extra.length > 0;
  if (training) throw fail("is in training mode, expected inference; export the model after eval()");
  if (opset < 9 && attributeOf(node, "spatial")?.i === 0n) {
    throw fail("spatial is 0 (a mean for each position), expected 1; no @bn layer computes that");
  }
  const epsilon = attributeOf(node, "epsilon")?.f ?? Math.fround(1e-5);
  if (!(epsilon >= 0 && epsilon < Number.POSITIVE_INFINITY))
    throw fail(`epsilon is ${epsilon}, expected a finite number >= 0`);

  const [x, scale, bias, mean, variance] = node.input as [string, string, string, string, string];
  const y = node.output[0] ?? "";
  if (y === "") throw fail("has no output; export the model again");
  const wanted = dims.get(scale);
  for (const [i, name] of [scale, bias, mean, variance].entries()) {
    const shape = dims.get(name);
    if (shape && (shape.length !== 1 || (wanted && shape[0] !== wanted[0]))) {
      const expected = wanted?.length === 1 ? `[${wanted}] as scale "${scale}"` : "one axis, the channels";
      throw fail(
        `${INPUTS[i + 1]}, tensor "${name}", has shape [${shape}], expected ${expected}; export the model again`,
      );
    }
  }
  return { label, name: node.name, x, scale, bias, mean, variance, y, epsilon };
}

/** The version of the ONNX operators; ONNX Runtime has BatchNormalization from 7 on. */
function opsetOf(model: Model): number {
  const own = model.opsetImport.filter(({ domain }) => isOnnxDomain(domain));
  if (own.length === 0) throw bad("ONNX model: opset_import names no version of the ONNX operators; export it again");
  const opset = Math.max(...own.map(({ version }) => Number(version)));
  if (opset < 7) {
    throw bad(
      `ONNX model: operator set ${opset}; ONNX Runtime has BatchNormalization from 7 on: convert the model, e.g. with onnx.version_converter`,
    );
  }
  return opset;
}

/** Dimensions of what the file itself holds: initialisers and Constant nodes. */
function staticDims(model: Model): Map<string, readonly bigint[]> {
  const constants = model.graph.node.flatMap((node) => {
    const value = node.opType === "Constant" ? attributeOf(node, "value")?.t : undefined;
    return value ? [[node.output[0] ?? "", value.dims] as const] : [];
  });
  return new Map([...model.graph.initializer.map(({ name, dims }) => [name, dims] as const), ...constants]);
}

/** Paths in a model are never followed: it may come from anyone. */
function checkOwnData(tensor: TensorProto): void {
  if (tensor.dataLocation === 1 || tensor.externalData.length > 0) {
    throw bad(
      `ONNX model: tensor "${tensor.name}" keeps its data in another file; save the model as one file, e.g. with onnx.save(onnx.load(path), path)`,
    );
  }
}

function bad(message: string): BnError {
  return new BnError("ERR_BN_DATA", message);
}
