import { BnError } from "@bn/core";
import { fromBinary } from "@bufbuild/protobuf";
import type { TensorProto } from "onnx-buf";
import { type AttributeProto, type GraphProto, type ModelProto, ModelProtoSchema, type NodeProto } from "onnx-buf";
import { decodedSize } from "./memory.ts";

/** Of the file, whose weights stay where they are, and of what is made of all else. */
const MAX_BYTES = 2 ** 29;
const MAX_DECODED = 2 ** 30;

/** A model with a graph. */
export type Model = ModelProto & { readonly graph: GraphProto };

/** Errors: `ERR_BN_DATA`, unreadable, truncated, larger than 512 MiB, or made to fill memory. */
export function parseModel(bytes: Uint8Array): Model {
  if (bytes.length > MAX_BYTES) {
    throw new BnError(
      "ERR_BN_DATA",
      `ONNX model: ${bytes.length} bytes, expected at most ${MAX_BYTES}; cut out the part of the network to look at`,
    );
  }
  const decode = <T>(read: () => T): T => {
    try {
      return read();
    } catch (cause) {
      throw new BnError(
        "ERR_BN_DATA",
        `ONNX model: ${bytes.length} bytes do not decode (${messageOf(cause)}): truncated, or not an ONNX file; fetch or export it again`,
        { cause },
      );
    }
  };
  if (decode(() => decodedSize(ModelProtoSchema, bytes, MAX_DECODED)) > MAX_DECODED) {
    throw new BnError(
      "ERR_BN_DATA",
      `ONNX model: ${bytes.length} bytes would take more than ${MAX_DECODED} decoded, expected weights as raw_data; damaged, or made to fill memory`,
    );
  }
  const model = decode(() => fromBinary(ModelProtoSchema, bytes));
  if (!model.graph) {
    throw new BnError(
      "ERR_BN_DATA",
      `ONNX model: ${bytes.length} bytes without a graph; is it an ONNX file, and whole?`,
    );
  }
  return model as Model;
}

/** A node's name in messages: `"bn1"`, or `#7 (output "y")` where it has none. */
export function labelOf(node: NodeProto, index: number): string {
  return node.name === "" ? `#${index} (output "${node.output[0] ?? ""}")` : `"${node.name}"`;
}

export function attributeOf(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((attribute) => attribute.name === name);
}

export function isOnnxDomain(domain: string): boolean {
  return domain === "" || domain === "ai.onnx";
}

/** A graph, and where it is: "" at top level, else the nodes and attributes that lead to it. */
interface PlacedGraph {
  readonly where: string;
  readonly nodes: readonly NodeProto[];
  /** Tensors that the graph itself holds: initialisers, and attributes of its nodes. */
  readonly tensors: readonly TensorProto[];
}

/** Every graph of a model: the top one first, then those inside of If, Loop and Scan, and the bodies of functions. */
export function graphsOf(model: Model): PlacedGraph[] {
  const found: PlacedGraph[] = [];
  const open: { where: string; nodes: readonly NodeProto[]; held: readonly TensorProto[] }[] = [
    { where: "", nodes: model.graph.node, held: heldBy(model.graph) },
    ...model.functions.map(({ name, node }) => ({ where: `function "${name}"`, nodes: node, held: [] })),
  ];
  for (let next = open.shift(); next; next = open.shift()) {
    const { where, nodes, held } = next;
    const attributes = nodes.flatMap((node, index) =>
      node.attribute.map((attribute) => ({ attribute, path: `${node.opType} node ${labelOf(node, index)}` })),
    );
    const tensors = attributes.flatMap(({ attribute: { t, tensors } }) => (t ? [t, ...tensors] : tensors));
    found.push({ where, nodes, tensors: [...held, ...tensors] });
    for (const { attribute, path } of attributes) {
      const inner = attribute.g ? [attribute.g, ...attribute.graphs] : attribute.graphs;
      for (const graph of inner) {
        const place = `${path}, ${attribute.name}`;
        open.push({ where: where === "" ? place : `${where}, ${place}`, nodes: graph.node, held: heldBy(graph) });
      }
    }
  }
  return found;
}

function heldBy(graph: GraphProto): TensorProto[] {
  const sparse = graph.sparseInitializer.flatMap(({ values, indices }) => [values, indices]);
  return [...graph.initializer, ...sparse.filter((tensor) => tensor !== undefined)];
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
