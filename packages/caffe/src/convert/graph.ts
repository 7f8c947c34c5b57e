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

/** One value of the network: a blob as one layer left it, a weight, or a step inside of a layer. */
export interface Value {
  /** Stands for the name until all names are settled. */
  readonly id: string;
  readonly shape: Shape;
}

/** The attributes of a node: a whole number is an int, `{ float }` a float, an array is ints. */
export type Attributes = Readonly<Record<string, number | readonly number[] | { readonly float: number }>>;

/** What is being built. Nodes and tensors hold ids until `settleNames`. */
export interface Graph {
  readonly opset: number;
  readonly dtype: Dtype;
  readonly nodes: NodeProto[];
  readonly tensors: TensorProto[];
  /** For each id the name that it would like. */
  readonly wishes: Map<string, string>;
}

export function createGraph(opset: number, dtype: Dtype): Graph {
  return { opset, dtype, nodes: [], tensors: [], wishes: new Map() };
}

/** A value that nothing has computed yet. */
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

/** A stored tensor of numbers in the network's dtype. */
export function addTensor(graph: Graph, wish: string, shape: Shape, data: ArrayLike<number>): Value {
  const value = newValue(graph, shape, wish);
  graph.tensors.push(tensorOf(value.id, shape, arrayOf(graph.dtype, data)));
  return value;
}

/** A stored tensor of whole numbers, one axis. */
export function addIntegers(graph: Graph, wish: string, numbers: readonly number[]): Value {
  const value = newValue(graph, [numbers.length], wish);
  graph.tensors.push(intTensor(value.id, numbers));
  return value;
}

/** Values in a dtype. Caffe reads a file's doubles into a network of floats by rounding each. */
export function arrayOf(dtype: Dtype, values: ArrayLike<number>): HostArray {
  if (dtype === "float32") return values instanceof Float32Array ? values : Float32Array.from(values);
  return values instanceof Float64Array ? values : Float64Array.from(values);
}

/** The number of values of a shape. */
export function countOf(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}
