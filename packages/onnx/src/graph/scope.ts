import { create } from "@bufbuild/protobuf";
import { type NodeProto, type SparseTensorProto, type TensorProto, TensorProtoSchema } from "onnx-buf";
import { attributeOf, graphsOf, labelOf, type Model, type PlacedGraph, producersOf } from "./proto.ts";
import { denseOf } from "./sparse.ts";
import { type Numbers, numbersOf } from "./tensor.ts";

/** The tensor that a name refers to, or the reason why the file does not contain it. */
type Found = TensorProto | { readonly why: string; readonly known: boolean };

/** Looks up a name in a graph and in those around it. */
export type Lookup = (name: string) => Found;

interface Names {
  readonly tensors: ReadonlyMap<string, TensorProto>;
  readonly sparse: ReadonlyMap<string, SparseTensorProto>;
  readonly producers: ReadonlyMap<string, NodeProto>;
  readonly inputs: ReadonlySet<string>;
  /** Names that a graph gives twice, and by what. */
  readonly twice: ReadonlyMap<string, string>;
}

/** Returns lookups for the graphs of one model. The names of each graph are listed once. */
export function createScopes(): (graph: PlacedGraph) => Lookup {
  const listed = new Map<PlacedGraph, Names>();
  const namesOf = (graph: PlacedGraph): Names => {
    const names = listed.get(graph) ?? {
      tensors: new Map(graph.initializers.map((tensor) => [tensor.name, tensor])),
      sparse: new Map(graph.sparse.map((one) => [one.values?.name ?? "", one])),
      producers: producersOf(graph.nodes),
      inputs: new Set(graph.inputs),
      twice: givenTwice(graph),
    };
    listed.set(graph, names);
    return names;
  };
  return (from) => (wanted) => {
    // An unused output has an empty name, which refers to nothing.
    if (wanted === "") return { why: "has an empty name, which means that it is absent", known: false };
    let name = wanted;
    const passed = new Set<string>();
    for (let graph: PlacedGraph | null = from; graph; ) {
      const { tensors, sparse, producers, inputs, twice } = namesOf(graph);
      const both = twice.get(name);
      if (both !== undefined) return { why: both, known: false };
      const tensor = tensors.get(name);
      if (tensor) return tensor;
      const packed = sparse.get(name);
      if (packed) {
        const dense = denseOf(packed);
        return typeof dense === "string" ? { why: dense, known: false } : dense;
      }
      const producer = producers.get(name);
      if (producer?.opType === "Identity") {
        if (passed.has(name)) return { why: "depends only on itself", known: false };
        passed.add(name);
        name = producer.input[0] ?? "";
      } else if (producer) {
        const constant = constantOf(producer);
        if (typeof constant === "string") return { why: constant, known: false };
        return constant ?? { why: `is computed, by ${producer.opType}`, known: true };
      } else if (inputs.has(name)) {
        return { why: "is an input of the graph", known: true };
      } else {
        graph = graph.parent;
      }
    }
    return { why: "does not exist: there is no initialiser, node or graph input of that name", known: false };
  };
}

/** The lookup of a model's top level. */
export function topLookup(model: Model): Lookup {
  return createScopes()(graphsOf(model)[0] as PlacedGraph);
}

/** The numbers of a constant; null if `name` is not one, or not one of numbers. */
export function constantIn(lookup: Lookup, name: string): Numbers | null {
  const tensor = lookup(name);
  const numbers = "why" in tensor ? "" : numbersOf(tensor);
  return typeof numbers === "string" ? null : numbers;
}

/** Names that two nodes of a graph give, or a node and its file, with a text that says so. */
export function givenTwice({ nodes, initializers, sparse }: Stored): Map<string, string> {
  const stored = [...initializers.map(({ name }) => name), ...sparse.map(({ values }) => values?.name ?? "")];
  const givers = new Map<string, string>(stored.map((name) => [name, "an initialiser"]));
  const twice = new Map<string, string>();
  for (const [index, node] of nodes.entries()) {
    const giver = `${node.opType} ${labelOf(node, index)}`;
    for (const name of node.output) {
      const other = name === "" ? undefined : givers.get(name);
      if (other !== undefined) twice.set(name, `is defined twice, by ${other} and by ${giver}`);
      givers.set(name, giver);
    }
  }
  return twice;
}

type Stored = Pick<PlacedGraph, "nodes" | "initializers" | "sparse">;

/** The value of a Constant node with floats, or a text that says why its sparse value cannot be used. */
function constantOf(node: NodeProto): TensorProto | string | undefined {
  if (node.opType !== "Constant") return undefined;
  const value = attributeOf(node, "value")?.t;
  if (value) return value;
  const sparse = attributeOf(node, "sparse_value")?.sparseTensor;
  if (sparse) return denseOf(sparse);
  const float = attributeOf(node, "value_float")?.f;
  const floats = attributeOf(node, "value_floats")?.floats;
  if (floats) return create(TensorProtoSchema, { dataType: 1, dims: [BigInt(floats.length)], floatData: floats });
  return float === undefined ? undefined : create(TensorProtoSchema, { dataType: 1, dims: [], floatData: [float] });
}
