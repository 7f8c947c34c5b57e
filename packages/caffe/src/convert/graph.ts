import type { Dtype, HostArray, Shape } from "@bn/core";
import {
  type AttributeProto,
  floatAttribute,
  intAttribute,
  intsAttribute,
  intTensor,
  type NodeProto,
  nodeOf,
  type TensorProto,
  tensorOf,
} from "@bn/onnx/graph";

/** One value of the network: a blob after one of its layers, a weight, or a step inside of a layer. */
export interface Value {
  /** Represents the name until all names are settled. */
  readonly id: string;
  readonly shape: Shape;
}

/** The attributes of a node. An integer is an int, `{ float }` a float, and an array ints. */
export type Attributes = Readonly<Record<string, number | readonly number[] | { readonly float: number }>>;

/** The graph under construction. Nodes and tensors hold ids until `settleNames`. */
export interface Graph {
  readonly opset: number;
  readonly dtype: Dtype;
  readonly nodes: NodeProto[];
  readonly tensors: TensorProto[];
  /** The preferred name of each id. */
  readonly wishes: Map<string, string>;
}

export function createGraph(opset: number, dtype: Dtype): Graph {
  return { opset, dtype, nodes: [], tensors: [], wishes: new Map() };
}

/** A new value that no node computes yet. */
export function newValue({ wishes }: Graph, shape: Shape, wish: string): Value {
  const id = `#${wishes.size}`;
  wishes.set(id, wish);
  return { id, shape };
}

export function addNode(
  { nodes }: Graph,
  op: string,
  layer: string,
  input: readonly Value[],
  output: readonly Value[],
  attributes: Attributes,
): void {
  const ids = (values: readonly Value[]) => values.map(({ id }) => id);
  const encoded = Object.entries(attributes).map(([name, value]) => encode(name, value));
  nodes.push(nodeOf(op, layer, ids(input), ids(output), encoded));
}

function encode(name: string, value: Attributes[string]): AttributeProto {
  if (typeof value === "number") return intAttribute(name, value);
  return "float" in value ? floatAttribute(name, value.float) : intsAttribute(name, value);
}

/** Adds a stored tensor of numbers in the network's dtype. */
export function addTensor(graph: Graph, wish: string, shape: Shape, data: ArrayLike<number>): Value {
  const value = newValue(graph, shape, wish);
  graph.tensors.push(tensorOf(value.id, shape, arrayOf(graph.dtype, data)));
  return value;
}

/** Adds a stored tensor of integers with one axis. */
export function addIntegers(graph: Graph, wish: string, numbers: readonly number[]): Value {
  const value = newValue(graph, [numbers.length], wish);
  graph.tensors.push(intTensor(value.id, numbers));
  return value;
}

/** Values in a dtype. Caffe reads doubles into a network of floats by rounding each. */
export function arrayOf(dtype: Dtype, values: ArrayLike<number>): HostArray {
  if (dtype === "float32") return values instanceof Float32Array ? values : Float32Array.from(values);
  return values instanceof Float64Array ? values : Float64Array.from(values);
}
