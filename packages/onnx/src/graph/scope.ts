import { create } from "@bufbuild/protobuf";
import { type NodeProto, type SparseTensorProto, type TensorProto, TensorProtoSchema } from "onnx-buf";
import { attributeOf, type PlacedGraph } from "./proto.ts";
import { denseOf } from "./sparse.ts";

/** What a name stands for: a tensor that the file holds, or in words why it holds none. */
type Found = TensorProto | { readonly why: string; readonly known: boolean };

/** Looks a name up in a graph and in those around it. */
export type Lookup = (name: string) => Found;

interface Names {
  readonly tensors: ReadonlyMap<string, TensorProto>;
  readonly sparse: ReadonlyMap<string, SparseTensorProto>;
  readonly producers: ReadonlyMap<string, NodeProto>;
  readonly inputs: ReadonlySet<string>;
}

/** Lookups for the graphs of one model; what each graph holds is listed once. */
export function createScopes(): (graph: PlacedGraph) => Lookup {
  const listed = new Map<PlacedGraph, Names>();
  const namesOf = (graph: PlacedGraph): Names => {
    const names = listed.get(graph) ?? {
      tensors: new Map(graph.initializers.map((tensor) => [tensor.name, tensor])),
      sparse: new Map(graph.sparse.map((one) => [one.values?.name ?? "", one])),
      producers: new Map(graph.nodes.flatMap((node) => node.output.map((output) => [output, node]))),
      inputs: new Set(graph.inputs),
    };
    listed.set(graph, names);
    return names;
  };
  return (from) => (wanted) => {
    // An output that nobody wants has an empty name, and gives nothing.
    if (wanted === "") return { why: "has an empty name: there is none", known: false };
    let name = wanted;
    const passed = new Set<string>();
    for (let graph: PlacedGraph | null = from; graph; ) {
      const { tensors, sparse, producers, inputs } = namesOf(graph);
      const tensor = tensors.get(name);
      if (tensor) return tensor;
      const packed = sparse.get(name);
      if (packed) {
        const dense = denseOf(packed);
        return typeof dense === "string" ? { why: dense, known: false } : dense;
      }
      const producer = producers.get(name);
      if (producer?.opType === "Identity") {
        if (passed.has(name)) return { why: "is given by nothing but itself", known: false };
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
    return { why: "is given by nothing: no initialiser, node or graph input", known: false };
  };
}

/** The value of a Constant node that gives floats; or, as text, why its sparse value has none. */
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
