import { fromBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type SparseTensorProto,
  type TensorProto,
  type TypeProto_Tensor,
  type ValueInfoProto,
} from "onnx-buf";
import { decodedSize } from "./decoded-size.ts";
import { modelError } from "./errors.ts";

/** The most bytes of a file, and of the decoded form of everything except weights, which are not copied. */
export const MAX_BYTES = 2 ** 29;
const MAX_DECODED = 2 ** 30;

/** A model with a graph. */
export type Model = ModelProto & { readonly graph: GraphProto };

/** Errors: `ERR_BN_DATA` if the model is unreadable, truncated, larger than 512 MiB, or made to exhaust memory. */
export function parseModel(bytes: Uint8Array): Model {
  if (bytes.length > MAX_BYTES) {
    throw modelError(
      `${bytes.length} bytes, expected at most ${MAX_BYTES}; extract the part of the network that you need`,
    );
  }
  const decode = <T>(read: () => T): T => {
    try {
      return read();
    } catch (cause) {
      throw modelError(
        `${bytes.length} bytes do not decode (${messageOf(cause)}): truncated, or not an ONNX file; fetch or export it again`,
        cause,
      );
    }
  };
  if (decode(() => decodedSize(ModelProtoSchema, bytes, MAX_DECODED)) > MAX_DECODED) {
    throw modelError(
      `${bytes.length} bytes would take more than ${MAX_DECODED} decoded, expected weights as raw_data; the file is damaged, or made to exhaust memory`,
    );
  }
  const model = decode(() => fromBinary(ModelProtoSchema, bytes));
  if (!model.graph) {
    throw modelError(`${bytes.length} bytes without a graph: not an ONNX file, or truncated; fetch or export it again`);
  }
  return model as Model;
}

/** A copy of a message with some fields changed. Absent fields keep their defaults, which are on its prototype. */
export function altered<T extends object>(message: T, change: Partial<T>): T {
  return Object.assign(Object.create(Object.getPrototypeOf(message)), message, change);
}

/** A node's name in messages: `"bn1"`, or `#7 (output "y")` if it has none. */
export function labelOf(node: NodeProto, index: number): string {
  return node.name === "" ? `#${index} (output "${node.output[0] ?? ""}")` : `"${node.name}"`;
}

export function attributeOf(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((attribute) => attribute.name === name);
}

/** An int attribute, or `absent`. */
export function intOf(node: NodeProto, name: string, absent: number): number {
  return Number(attributeOf(node, name)?.i ?? absent);
}

/** A string attribute; "" if it is absent. */
export function textOf(node: NodeProto, name: string): string {
  return new TextDecoder().decode(attributeOf(node, name)?.s ?? new Uint8Array());
}

export function isOnnxDomain(domain: string): boolean {
  return domain === "" || domain === "ai.onnx";
}

/**
 * A graph or the body of a function, and its place: "" at top level, otherwise the nodes and attributes that lead to
 * it.
 */
export interface PlacedGraph {
  readonly where: string;
  /** The enclosing graph. Its nodes can also read that graph's names. */
  readonly parent: PlacedGraph | null;
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  readonly sparse: readonly SparseTensorProto[];
  readonly inputs: readonly string[];
  /** All tensors in the graph itself: initialisers, and attributes of its nodes. */
  readonly tensors: readonly TensorProto[];
}

/** Every graph of a model: the top one first, then those inside of If, Loop and Scan, and the bodies of functions. */
export function graphsOf(model: Model): PlacedGraph[] {
  const found: PlacedGraph[] = [
    placed("", null, model.graph),
    ...model.functions.map(({ name, node, input }) => ({
      where: `function "${name}"`,
      parent: null,
      nodes: node,
      initializers: [],
      sparse: [],
      inputs: input,
      tensors: heldBy(node),
    })),
  ];
  // The list grows while it is read, which visits graphs breadth first and without recursion.
  for (const outer of found) {
    for (const [index, node] of outer.nodes.entries()) {
      for (const { name, g, graphs } of node.attribute) {
        if (!g && graphs.length === 0) continue;
        const place = `${node.opType} node ${labelOf(node, index)}, ${name}`;
        const where = outer.where === "" ? place : `${outer.where}, ${place}`;
        for (const graph of g ? [g, ...graphs] : graphs) found.push(placed(where, outer, graph));
      }
    }
  }
  return found;
}

function placed(where: string, parent: PlacedGraph | null, graph: GraphProto): PlacedGraph {
  const { node, initializer, sparseInitializer, input } = graph;
  const sparse = sparseInitializer.flatMap(({ values, indices }) => [values, indices]);
  const tensors = [...initializer, ...sparse.filter((tensor) => tensor !== undefined), ...heldBy(node)];
  return {
    where,
    parent,
    nodes: node,
    initializers: initializer,
    sparse: sparseInitializer,
    inputs: input.map(({ name }) => name),
    tensors,
  };
}

function heldBy(nodes: readonly NodeProto[]): TensorProto[] {
  return nodes.flatMap(({ attribute }) => attribute.flatMap(({ t, tensors }) => (t ? [t, ...tensors] : tensors)));
}

/** The graphs inside a node, as in If, Loop and Scan. */
export function graphsIn({ attribute }: NodeProto): GraphProto[] {
  return attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));
}

/** The graphs inside nodes, at any depth. */
export function nestedIn(nodes: readonly NodeProto[]): GraphProto[] {
  const found = nodes.flatMap(graphsIn);
  for (const graph of found) found.push(...graph.node.flatMap(graphsIn)); // grows while the loop reads it
  return found;
}

/** All tensors in attributes of nodes and in their subgraphs. */
export function tensorsOf(nodes: readonly NodeProto[]): TensorProto[] {
  const inside = nestedIn(nodes).flatMap(({ initializer, node }) => [...initializer, ...heldBy(node)]);
  return [...heldBy(nodes), ...inside];
}

/** The names that a node reads, including those that its subgraphs read from outside. */
export function namesReadBy(node: NodeProto): string[] {
  const inside = nestedIn([node]).flatMap((graph) => [
    ...graph.output.map(({ name }) => name),
    ...graph.node.flatMap(({ input }) => input),
  ]);
  return [...new Set([...node.input, ...inside])].filter((name) => name !== "");
}

/** The node that computes each name. */
export function producersOf(nodes: readonly NodeProto[]): Map<string, NodeProto> {
  return new Map(nodes.flatMap((node) => node.output.map((name) => [name, node] as const)));
}

/** The nodes that read each name, one entry per input. */
export function readersOf(nodes: readonly NodeProto[]): Map<string, NodeProto[]> {
  const readers = new Map<string, NodeProto[]>();
  for (const node of nodes) {
    for (const name of node.input) readers.set(name, [...(readers.get(name) ?? []), node]);
  }
  return readers;
}

/** The nodes and the names that the computation of `wanted` depends on. */
export function dependenciesOf(
  wanted: readonly string[],
  producers: ReadonlyMap<string, NodeProto>,
  readBy: (node: NodeProto) => readonly string[] = namesReadBy,
): { readonly nodes: ReadonlySet<NodeProto>; readonly names: ReadonlySet<string> } {
  const nodes = new Set<NodeProto>();
  const names = new Set(wanted);
  for (const name of names) {
    const node = producers.get(name); // the set of names grows while the loop reads it
    if (!node || nodes.has(node)) continue;
    nodes.add(node);
    for (const read of readBy(node)) names.add(read);
  }
  return { nodes, names };
}

/** The type of a value that is a tensor. */
export function tensorTypeOf({ type }: ValueInfoProto): TypeProto_Tensor | undefined {
  return type?.value.case === "tensorType" ? type.value.value : undefined;
}

/** The version of the ONNX operators that the model uses. Errors: `ERR_BN_DATA` if it names none. */
export function opsetOf(model: Model): number {
  const own = model.opsetImport.filter(({ domain }) => isOnnxDomain(domain));
  // Before version 3 of the file format, only operator set 1 existed, and no field named it.
  if (own.length === 0 && model.irVersion >= 1n && model.irVersion < 3n) return 1;
  const opset = Math.max(...own.map(({ version }) => Number(version)));
  if (opset >= 1) return opset;
  const what =
    own.length === 0 ? "names no version of the ONNX operators" : `names version ${opset}, expected 1 or more`;
  throw modelError(`opset_import ${what}; export it again`);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
