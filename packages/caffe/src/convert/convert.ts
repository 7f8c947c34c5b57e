import { BnError, type Dtype, type Shape } from "@bn/core";
import type { Diagnostic, NormRecord } from "@bn/onnx";
import { encodeModel } from "@bn/onnx/graph";
import type { CaffeFile } from "../file.ts";
import type { Dialect } from "../layers/dialect.ts";
import { importNet } from "../layers/import.ts";
import { type BlobValue, type Built, buildGraph } from "./build.ts";
import { prune, settleNames } from "./names.ts";

/** The operator sets in which a network can be written. */
export const NETWORK_OPSETS = { least: 9, most: 22, default: 13 } as const;

export interface ConvertOptions {
  /** The net, from a `.prototxt`. */
  readonly net: CaffeFile;
  /** Its weights, from a `.caffemodel`. */
  readonly weights: CaffeFile;
  /** The operator set, 9 to 22. Default 13. */
  readonly opset?: number | undefined;
  /** Shapes of inputs by blob, which replace those in the net. */
  readonly shapes?: Readonly<Record<string, Shape>>;
  /** Default "float32", in which Caffe runs networks. Doubles in the file are then rounded. */
  readonly dtype?: Dtype;
  /** The dialect of normalization layers whose blobs are ambiguous; see `DIALECTS`. */
  readonly dialect?: Dialect | undefined;
  /** The level and the stages of NetState, as for `openNetwork`. */
  readonly level?: number | undefined;
  readonly stages?: readonly string[] | undefined;
}

/** An input or output blob, and its tensor. */
export interface Port {
  readonly blob: string;
  readonly tensor: string;
  readonly shape: Shape;
}

/** A top of a layer, and the tensor that holds it. */
export interface LayerTop extends Port {
  readonly layer: string;
  readonly type: string;
}

export interface ConvertedNet {
  /** The ONNX model. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly opset: number;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** The tops in the net's order. A BatchNorm that forms one node with its Scale has no tensor of its own. */
  readonly tops: readonly LayerTop[];
  /** The records of the BatchNormalization nodes, by the name of the node, with statistics as stored. */
  readonly norms: ReadonlyMap<string, NormRecord>;
  /** Messages about what was left out, and what a user of the network must know. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Converts a trained network, phase test, to an ONNX model. docs/caffe-files.md describes each layer.
 *
 * Math    the model computes what Caffe computes. If an ONNX operator computes something else, other operators are
 *         added; if there are none, the layer is an error. BatchNorm, with the Scale after it, is one
 *         BatchNormalization.
 * Names   inputs, outputs and all tensors between keep the names of blobs. A blob that layers change in place has
 *         several values: the last one has its name, earlier ones are `blob/layer`. Weights float32, bit for bit.
 * Errors  `ERR_BN_DATA`, naming file, layer and type: the errors of `openNetwork`; an unknown type; parameters, shapes
 *         or weights that do not fit; an input whose shape the net does not declare. `ERR_BN_PARAM`: an unknown opset,
 *         or shapes for an input that does not exist.
 *
 * @example
 * ```ts
 * import { convertNet, readNet } from "@bn/caffe";
 * const net = readNet(`
 *   layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 } } }
 *   layer { name: "relu" type: "ReLU" bottom: "x" top: "y" }`);
 * const { inputs, outputs } = convertNet({ net, weights: net });
 * console.log(inputs[0]!.tensor, outputs[0]!.tensor, outputs[0]!.shape); // x y [ 1, 2 ]
 * ```
 */
export function convertNet(options: ConvertOptions): ConvertedNet {
  const { shapes = {}, opset = NETWORK_OPSETS.default, dtype = "float32", level, stages, dialect } = options;
  const { least, most } = NETWORK_OPSETS;
  if (!(Number.isInteger(opset) && opset >= least && opset <= most)) {
    throw new BnError(
      "ERR_BN_PARAM",
      `convertNet: opset is ${opset}, expected a whole number from ${least} to ${most}`,
    );
  }
  const imported = importNet({ net: options.net, weights: options.weights, dialect, level, stages });
  const { network } = imported;
  const built = buildGraph(imported, { opset, dtype, shapes });
  checkShapes(built, shapes);
  if (built.outputs.length === 0) {
    throw new BnError(
      "ERR_BN_DATA",
      `${network.net.file}: no layer gives an output in phase test; check that this is the whole net`,
    );
  }
  const history = new Map<string, { id: string; layer: string }[]>();
  for (const { blob, layer, value } of [...built.inputs, ...built.tops]) {
    history.set(blob, [...(history.get(blob) ?? []), { id: value.id, layer: layer.name }]);
  }
  const { nodes, tensors } = prune(
    built.graph,
    built.outputs.map(({ value }) => value.id),
  );
  const needed = new Set(nodes.flatMap(({ input }) => input));
  const used = built.inputs.filter(({ value }) => needed.has(value.id));
  const kept = new Set([...nodes.flatMap(({ output }) => output), ...used.map(({ value }) => value.id)]);
  const names = settleNames(built.graph, history);
  const port = ({ blob, value }: BlobValue): Port => ({
    blob,
    tensor: names.get(value.id) ?? blob,
    shape: value.shape,
  });
  const [inputs, outputs] = [used.map(port), built.outputs.map(port)];
  const named = ({ tensor, shape }: Port) => ({ name: tensor, shape });
  const bytes = encodeModel({
    name: network.name || "net",
    opset,
    dtype,
    nodes,
    initializers: tensors,
    inputs: inputs.map(named),
    outputs: outputs.map(named),
  });
  const tops = built.tops.filter(({ value }) => kept.has(value.id));
  // A layer that was left out of the import is either converted, or has caused an error.
  const suspicions = imported.diagnostics.filter(({ kind }) => kind !== "left out");
  const there = new Set(nodes.map(({ name }) => name));
  return {
    bytes,
    opset,
    inputs,
    outputs,
    tops: tops.map((one) => ({ ...port(one), layer: one.layer.name, type: one.layer.type })),
    norms: new Map([...built.norms].filter(([name]) => there.has(name))),
    diagnostics: [...built.diagnostics, ...suspicions, ...unread(built.inputs, used), ...remarks(inputs)],
  };
}

function checkShapes({ inputs }: Built, shapes: Readonly<Record<string, Shape>>): void {
  for (const blob of Object.keys(shapes)) {
    if (inputs.some((input) => input.blob === blob)) continue;
    const known = inputs.map((input) => `"${input.blob}"`).join(", ");
    throw new BnError(
      "ERR_BN_PARAM",
      `convertNet: shapes has "${blob}", which is not an input of the net; its inputs are ${known || "none"}`,
    );
  }
}

function unread(all: readonly BlobValue[], used: readonly BlobValue[]): Diagnostic[] {
  return all
    .filter((input) => !used.includes(input))
    .map(({ blob, layer }) => {
      const message = `input "${blob}" is omitted: no output depends on its values`;
      return { kind: "left out", node: layer.name, message };
    });
}

function remarks(inputs: readonly Port[]): Diagnostic[] {
  return inputs
    .filter(({ blob, tensor }) => blob !== tensor)
    .map(({ blob, tensor }) => {
      const message = `input "${blob}" is changed in place: the network reads "${tensor}", and "${blob}" is the last value`;
      return { kind: "converted", node: blob, message };
    });
}
