import { BnError, type HostArray, type Phase, type Shape } from "@bn/core";
import type { NodeProto } from "onnx-buf";
import type { Diagnostic, DiagnosticKind } from "./diagnostic.ts";
import type { ReadExternal } from "./external.ts";
import { readModel } from "./load.ts";
import { INPUTS, isNorm, nameOf } from "./nodes.ts";
import { readAttributes } from "./operator.ts";
import { graphsOf, labelOf, type Model, opsetOf } from "./proto.ts";
import type { OnnxBatchNorm } from "./read.ts";
import { createScopes, type Lookup } from "./scope.ts";
import { suspicions } from "./suspect.ts";
import { type Numbers, numbersOf } from "./tensor.ts";

/** Of all layers together. Nodes may share a tensor, so that a small file could stand for any number of them. */
const MAX_CHANNELS = 2 ** 24;

export interface ImportOptions {
  /** Reads the files that the model keeps data in; `openModel` of `@bn/onnx/node` gives it. */
  readonly external?: ReadExternal;
  /** Leave out a node that is damaged, with a diagnostic, in place of refusing the model. Default false. */
  readonly partial?: boolean;
}

/** A BatchNormalization as `createImported` makes a layer of it, and as `buildModel` writes it again. */
export interface ImportedLayer extends OnnxBatchNorm {
  /** The node's name, or what tells it apart where it has none. */
  readonly name: string;
  /** "" at top level, else where it lies, e.g. `If node "choice", then_branch`. */
  readonly where: string;
  /** "train" where the node is in training mode. */
  readonly phase: Phase;
  /** [C]; with spatial = 0 [C, D1, ...]: then bottom must be reshaped to [N, C * D1 * ...]. */
  readonly parameterShape: Shape;
}

export interface Imported {
  /** In the model's order, those of subgraphs after those of the top level. */
  readonly layers: readonly ImportedLayer[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Every BatchNormalization of a model, of any operator set, as a layer of ours.
 *
 * Math    statistics become sums with factor 1, so that every bit is kept. momentum is movingAverageFraction. The weights
 *         may be initialisers, Constant nodes, or Identity of either, in raw_data, typed fields or other files, and
 *         float32, float64, float16 or bfloat16: the last two are float32 then, exactly.
 * Errors  `ERR_BN_DATA`: a file that cannot be read, without BatchNormalization, or with a damaged one (missing tensors,
 *         types and shapes that do not fit), naming node and tensor. Nodes whose weights the model computes are no
 *         damage: they are left out, with a diagnostic.
 *
 * @example
 * ```ts
 * import { buildModel, importModel } from "@bn/onnx";
 * const one = new Float32Array([1]);
 * const node = { dtype: "float32", scale: one, bias: one, mean: one, variance: one, epsilon: 0, momentum: 0.5 } as const;
 * const { layers, diagnostics } = await importModel(buildModel(node));
 * console.log(layers[0]!.momentum, diagnostics[0]!.kind); // 0.5 suspect
 * ```
 */
export async function importModel(bytes: Uint8Array, options: ImportOptions = {}): Promise<Imported> {
  const { model } = await readModel(bytes, options.external);
  return importLayers(model, options.partial ?? false);
}

function importLayers(model: Model, partial: boolean): Imported {
  const opset = opsetOf(model);
  const scopeOf = createScopes();
  const layers: ImportedLayer[] = [];
  const diagnostics: Diagnostic[] = [];
  let [nodes, channels] = [0, 0];
  for (const graph of graphsOf(model)) {
    const lookup = scopeOf(graph);
    for (const [index, node] of graph.nodes.entries()) {
      if (!isNorm(node)) continue;
      nodes++;
      const label = `BatchNormalization ${labelOf(node, index)}${graph.where === "" ? "" : ` in ${graph.where}`}`;
      const name = nameOf(node, index);
      const say = (kind: DiagnosticKind, what: string) =>
        diagnostics.push({ kind, node: name, message: `${label}: ${what}` });
      const found = importNode(node, opset, lookup);
      if ("broken" in found) {
        if (!partial) throw new BnError("ERR_BN_DATA", `${label}: ${found.broken}`);
        say("left out", found.broken);
      } else if ("leftOut" in found) {
        say("left out", found.leftOut);
      } else {
        channels += found.layer.mean.length;
        if (channels > MAX_CHANNELS) {
          const what = `with it the model has ${channels} channels, expected at most ${MAX_CHANNELS}; import a part of it`;
          throw new BnError("ERR_BN_DATA", `${label}: ${what}`);
        }
        layers.push({ name, where: graph.where, ...found.layer });
        for (const [kind, what] of found.notes) say(kind, what);
        for (const what of suspicions(found.layer)) say("suspect", what);
      }
    }
  }
  if (nodes > 0) return { layers, diagnostics };
  throw new BnError(
    "ERR_BN_DATA",
    `ONNX model: no BatchNormalization among the ${model.graph.node.length} nodes of the graph; where export fused them into convolutions, export it without that`,
  );
}

type Layer = Omit<ImportedLayer, "name" | "where">;
type Notes = (readonly [DiagnosticKind, string])[];
type Outcome =
  | { readonly broken: string }
  | { readonly leftOut: string }
  | { readonly layer: Layer; readonly notes: Notes };

function importNode(node: NodeProto, opset: number, lookup: Lookup): Outcome {
  if (node.input.length !== INPUTS.length) {
    const what = `${node.input.length} inputs, expected ${INPUTS.length}: ${INPUTS.join(", ")}; export the model again`;
    return { broken: what };
  }
  const attributes = readAttributes(node, opset);
  if (typeof attributes === "string") return { broken: attributes };
  const values: Numbers[] = [];
  for (const [i, tensorName] of node.input.slice(1).entries()) {
    const what = `${INPUTS[i + 1]}, tensor "${tensorName}",`;
    const tensor = lookup(tensorName);
    if ("why" in tensor) {
      if (!tensor.known) return { broken: `${what} ${tensor.why}; export the model again, with weights` };
      return { leftOut: `${what} ${tensor.why}: no weights in the file; fold constants, or export the model again` };
    }
    const numbers = numbersOf(tensor);
    if (typeof numbers === "string") return { broken: `${what} ${numbers}` };
    values.push(numbers);
  }
  const unfit = misfit(values, attributes.spatial, node.input);
  if (unfit) return { broken: unfit };

  const { epsilon, momentum, training, spatial } = attributes;
  const [scale, bias, mean, variance] = values as [Numbers, Numbers, Numbers, Numbers];
  const dtype = values.some((value) => value.dtype === "float64") ? "float64" : "float32";
  const widened = ({ data }: Numbers): HostArray => (dtype === "float64" ? Float64Array.from(data) : data);
  const notes: Notes = attributes.assumed.map((what) => ["assumed", what] as const);
  const narrow = [...new Set(values.map((value) => value.narrow).filter((name) => name !== null))];
  if (narrow.length > 0) notes.push(["converted", `weights are ${narrow.join(" and ")}, now ${dtype}, exactly`]);
  if (new Set(values.map((value) => value.dtype)).size > 1)
    notes.push(["converted", "weights of two types, now float64"]);
  if (!spatial) {
    const flat = `[N, ${mean.data.length}]`;
    notes.push(["converted", `spatial is 0: a channel for each of [${mean.dims}]; reshape bottom to ${flat} and back`]);
  }
  if (training) {
    const what = "is in training mode: a layer in phase train, which stores the variance times m / (m - 1)";
    notes.push(["converted", what]);
  }
  const layer: Layer = {
    dtype,
    scale: widened(scale),
    bias: widened(bias),
    mean: widened(mean),
    variance: widened(variance),
    epsilon,
    momentum,
    phase: training ? "train" : "test",
    parameterShape: mean.dims,
  };
  return { layer, notes };
}

/** Why shapes do not fit, or null. */
function misfit(values: readonly Numbers[], spatial: boolean, names: readonly string[]): string | null {
  const wanted = values[0]?.dims ?? [];
  for (const [i, { dims }] of values.entries()) {
    const rank = spatial ? dims.length === 1 : dims.length >= 1;
    if (rank && String(dims) === String(wanted)) continue;
    const fits = spatial ? wanted.length === 1 : wanted.length >= 1;
    const expected = fits ? `[${wanted}] as scale "${names[1]}"` : "one axis, the channels";
    return `${INPUTS[i + 1]}, tensor "${names[i + 1]}", has shape [${dims}], expected ${expected}; export the model again`;
  }
  return values[0]?.data.length === 0 ? `scale, tensor "${names[1]}", has no channels; export the model again` : null;
}
