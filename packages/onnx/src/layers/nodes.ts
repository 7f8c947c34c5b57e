import type { HostArray } from "@bn/core";
import type { NodeProto } from "onnx-buf";
import { inlineExternal, type ReadExternal } from "../graph/external.ts";
import type { ReadModel } from "../graph/load.ts";
import {
  graphsOf,
  isOnnxDomain,
  labelOf,
  type Model,
  opsetOf,
  type PlacedGraph,
  tensorTypeOf,
} from "../graph/proto.ts";
import { createScopes, type Lookup } from "../graph/scope.ts";
import { type Numbers, numbersOf } from "../graph/tensor.ts";
import type { DiagnosticKind } from "./diagnostic.ts";
import { type NormAttributes, readAttributes } from "./operator.ts";
import type { BatchNormScaleRecord } from "./record.ts";

/** The names of the tensors that a node reads and writes. */
interface NormTensors {
  readonly x: string;
  readonly scale: string;
  readonly bias: string;
  readonly mean: string;
  readonly variance: string;
  readonly y: string;
}

/** How messages and rows name a node. */
export interface NodePlace {
  /** The name in messages: `"bn1"`, or `#7 (output "y")`. */
  readonly label: string;
  /** Its name, or a text that identifies a node without a name. */
  readonly name: string;
  /** "" at top level, otherwise its place. */
  readonly where: string;
}

/** A BatchNormalization node with its data. */
export interface NormNode extends NormAttributes, NodePlace {
  /** The node itself, in its graph. */
  readonly node: NodeProto;
  /** Whether the node is at the top level, which includes inlined functions. */
  readonly topLevel: boolean;
  readonly tensors: NormTensors;
  /** Null if the file does not contain its weights; `computed` then says where they come from. */
  readonly layer: BatchNormScaleRecord | null;
  readonly computed: string | null;
  /** Notes on what was converted and what was assumed. */
  readonly notes: readonly (readonly [DiagnosticKind, string])[];
}

/** A node that contradicts itself, and the reason. */
export interface BrokenNode extends NodePlace {
  readonly broken: string;
}

const INPUTS = ["X", "scale", "B", "mean", "var"];

export function isNorm(node: NodeProto): boolean {
  return node.opType === "BatchNormalization" && isOnnxDomain(node.domain);
}

/** The node's name, or a text that identifies a node without a name. */
function nameOf(node: NodeProto, index: number): string {
  return node.name || labelOf(node, index);
}

/** The name of a node in messages, with its place. */
export function titleOf({ label, where }: Omit<NodePlace, "name">): string {
  return `BatchNormalization ${label}${where === "" ? "" : ` in ${where}`}`;
}

/** Every BatchNormalization of a model: those of the top level in its order, then those of subgraphs and functions. */
export function* readNodes({ model, origins }: ReadModel): Generator<NormNode | BrokenNode> {
  const opset = opsetOf(model);
  const scopeOf = createScopes();
  for (const graph of graphsOf(model)) {
    const lookup = scopeOf(graph);
    const shapes = graph.where === "" ? declaredShapes(model) : new Map<string, readonly string[]>();
    const counts = new Map<string, number>();
    for (const { name } of graph.nodes) counts.set(name, (counts.get(name) ?? 0) + 1);
    for (const [index, node] of graph.nodes.entries()) {
      if (!isNorm(node)) continue;
      // If several nodes have the same name, their outputs identify them.
      const shared = node.name !== "" && (counts.get(node.name) ?? 0) > 1;
      const output = `(output "${node.output[0] ?? ""}")`;
      const place = {
        label: shared ? `"${node.name}" ${output}` : labelOf(node, index),
        name: shared ? `${node.name} ${output}` : nameOf(node, index),
        where: origins.get(node) ?? graph.where,
      };
      yield readNode(graph, node, place, opset, lookup, shapes);
    }
  }
}

/** Loads weights of normalizations from other files into the model. Errors: those of `inlineExternal`. */
export async function loadWeights({ model }: ReadModel, external: ReadExternal | undefined): Promise<void> {
  const scopeOf = createScopes();
  const found = graphsOf(model).flatMap((graph) => {
    const names = graph.nodes.filter(isNorm).flatMap(({ input }) => input.slice(1));
    const weights = names.map(scopeOf(graph)).flatMap((one) => ("why" in one ? [] : [one]));
    const sparse = graph.sparse.flatMap(({ values, indices }) => [values, indices]);
    return [...weights, ...sparse.filter((one) => one !== undefined)];
  });
  await inlineExternal([...new Set(found)], external);
}

/** The shapes that the model declares at its top level. */
function declaredShapes({ graph }: Model): Map<string, readonly string[]> {
  return new Map(
    [...graph.input, ...graph.output, ...graph.valueInfo].flatMap((value) => {
      const shape = tensorTypeOf(value)?.shape;
      return shape ? [[value.name, shape.dim.map(({ value }) => String(value.value ?? "?"))] as const] : [];
    }),
  );
}

function readNode(
  graph: PlacedGraph,
  node: NodeProto,
  place: NodePlace,
  opset: number,
  lookup: Lookup,
  shapes: ReadonlyMap<string, readonly string[]>,
): NormNode | BrokenNode {
  const broken = (what: string): BrokenNode => ({ ...place, broken: what });
  if (node.input.length !== INPUTS.length) {
    return broken(
      `${node.input.length} inputs, expected ${INPUTS.length}: ${INPUTS.join(", ")}; export the model again`,
    );
  }
  const attributes = readAttributes(node, opset);
  if (typeof attributes === "string") return broken(attributes);
  const [x, scale, bias, mean, variance] = node.input as [string, string, string, string, string];
  const y = node.output[0] ?? "";
  if (y === "") return broken("has no output; export the model again");
  const tensors: NormTensors = { x, scale, bias, mean, variance, y };
  const source = lookup(x);
  if ("why" in source && !source.known) {
    return broken(
      source.why.startsWith("is defined twice")
        ? `X, tensor "${x}", ${source.why}; export the model again`
        : `its input X, tensor "${x}", does not exist: there is no initialiser, node or graph input of that name; export the model again`,
    );
  }
  const target = lookup(y);
  if ("why" in target && !target.known)
    return broken(`its output, tensor "${y}", ${target.why}; export the model again`);
  const found = { ...place, ...attributes, tensors, node, topLevel: graph.where === "" };
  const notes = [
    ...attributes.assumed.map((what) => ["assumed", what] as const),
    ...attributes.ignored.map((what) => ["remark", what] as const),
  ];

  const values: Numbers[] = [];
  let computed: string | null = null;
  for (const [i, name] of node.input.slice(1).entries()) {
    if (name === "")
      return broken(`has no ${INPUTS[i + 1]}: input ${i + 1} has an empty name; export the model again, with weights`);
    const what = `${INPUTS[i + 1]}, tensor "${name}",`;
    const tensor = lookup(name);
    if ("why" in tensor) {
      if (!tensor.known) return broken(`${what} ${tensor.why}; export the model again, with weights`);
      computed ??= `${what} ${tensor.why}, so its values are not in the file; fold constants, or export the model again`;
      continue;
    }
    const numbers = numbersOf(tensor);
    if (typeof numbers === "string") return broken(`${what} ${numbers}`);
    values.push(numbers);
  }
  if (computed !== null) return { ...found, layer: null, computed, notes };
  const unfit =
    mxnetSpatial(values, attributes.spatial, shapes.get(x)) ?? misfit(values, attributes.spatial, node.input);
  if (unfit) return broken(unfit);
  const { layer, said } = recordOf(values, attributes, place);
  return { ...found, layer, computed, notes: [...notes, ...said] };
}

function recordOf(values: readonly Numbers[], attributes: NormAttributes, place: NodePlace) {
  const { epsilon, momentum, training, spatial } = attributes;
  const [scale, bias, mean, variance] = values as [Numbers, Numbers, Numbers, Numbers];
  const dtype = values.some((value) => value.dtype === "float64") ? "float64" : "float32";
  const widened = ({ data }: Numbers): HostArray => (dtype === "float64" ? Float64Array.from(data) : data);
  const said: (readonly [DiagnosticKind, string])[] = [];
  const narrow = [...new Set(values.map((value) => value.narrow).filter((name) => name !== null))];
  if (narrow.length > 0)
    said.push(["converted", `the weights are ${narrow.join(" and ")}, and are converted exactly to ${dtype}`]);
  if (new Set(values.map((value) => value.dtype)).size > 1)
    said.push(["converted", "the weights have two types, and are converted to float64"]);
  if (!spatial) {
    const flat = `[N, ${mean.data.length}]`;
    said.push([
      "converted",
      `spatial is 0: there is one channel per position of [${mean.dims}]; reshape bottom to ${flat} and back`,
    ]);
  }
  if (training) {
    const what = "is in training mode: a layer in phase train, which stores the variance times m / (m - 1)";
    said.push(["converted", what]);
  }
  const layer: BatchNormScaleRecord = {
    type: "BatchNormScale",
    name: place.name,
    dtype,
    channels: mean.data.length,
    statistics: { mean: widened(mean), variance: widened(variance), factor: 1 },
    gamma: widened(scale),
    beta: widened(bias),
    eps: epsilon,
    movingAverageFraction: momentum,
    axis: 1,
    phase: training ? "train" : "test",
    parameterShape: mean.dims,
    source: { format: "onnx", nodes: [place.name], where: place.where },
  };
  return { layer, said };
}

/**
 * MXNet wrote spatial 0 but meant 1: parameters per channel, with X of more axes than [N, C]. Returns a note, or null.
 */
function mxnetSpatial(
  values: readonly Numbers[],
  spatial: boolean,
  shape: readonly string[] | undefined,
): string | null {
  const [scale] = values as [Numbers];
  if (spatial || !isPerChannel(scale.dims, shape)) return null;
  const needed = shape ? shape.slice(1).join(",") : `${scale.dims},D1,...`;
  return `spatial is 0 and scale has shape [${scale.dims}], but spatial 0 needs [${needed}], one value per position; MXNet exports 0 where it means 1: set spatial to 1`;
}

/** Whether `dims` is [C] or [C, 1, 1] although X has more axes, at least one of which has a size other than 1. */
function isPerChannel(dims: readonly number[], shape: readonly string[] | undefined): boolean {
  if (!dims.slice(1).every((size) => size === 1)) return false;
  if (!shape) return dims.length === 1;
  return shape.length > 2 && shape.slice(2).some((size) => size !== "1");
}

/** The reason why shapes do not fit, or null. */
function misfit(values: readonly Numbers[], spatial: boolean, names: readonly string[]): string | null {
  const wanted = values[0]?.dims ?? [];
  const [first = "", ...others] = values.map(({ dims }) => String(dims));
  // If the other three agree, it is scale that does not fit.
  if (spatial && others.every((one) => one === others[0] && one !== first) && values[1]?.dims.length === 1)
    return `scale, tensor "${names[1]}", has shape [${first}], expected [${others[0]}] as B, mean and var; export the model again`;
  for (const [i, { dims }] of values.entries()) {
    const rank = spatial ? dims.length === 1 : dims.length >= 1;
    if (rank && String(dims) === String(wanted)) continue;
    const fits = spatial ? wanted.length === 1 : wanted.length >= 1;
    const expected = fits ? `[${wanted}] as scale "${names[1]}"` : "one axis, the channels";
    return `${INPUTS[i + 1]}, tensor "${names[i + 1]}", has shape [${dims}], expected ${expected}; export the model again`;
  }
  return values[0]?.data.length === 0 ? `scale, tensor "${names[1]}", has no channels; export the model again` : null;
}
