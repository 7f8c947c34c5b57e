import { create } from "@bufbuild/protobuf";
import { type NodeProto, type TensorProto, TensorProtoSchema } from "onnx-buf";
import { valueInfo } from "../graph/encode.ts";
import { packNumbers, roundTo } from "../graph/float-types.ts";
import { graphsOf, type Model } from "../graph/proto.ts";

/** A tensor of `values`, rounded once to the type, or a text that says which value the type cannot hold. */
export function storedAs(
  name: string,
  dataType: TensorProto["dataType"],
  dims: readonly number[],
  values: Float64Array,
): TensorProto | string {
  const rounded = roundTo(dataType, values);
  if (rounded === null) return `type ${dataType} holds no weights`;
  const at = rounded.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) return `its folded value ${at}, ${values[at]}, is beyond the range of its type`;
  return create(TensorProtoSchema, {
    name,
    dataType,
    dims: dims.map(BigInt),
    rawData: packNumbers(dataType, rounded),
  });
}

/** Makes `tensor` the input `index` of `node`. It keeps the old name if no other node reads that. */
export function replaceInput(model: Model, node: NodeProto, index: number, tensor: TensorProto, own: boolean): void {
  const { graph } = model;
  const old = node.input[index] ?? "";
  const place = own ? graph.initializer.findIndex(({ name }) => name === old) : -1;
  if (place >= 0) {
    tensor.name = old;
    graph.initializer[place] = tensor;
    return;
  }
  tensor.name = freshName(model, tensor.name);
  graph.initializer.push(tensor);
  // Up to IR version 3, every initialiser is also an input.
  if (model.irVersion < 4n) graph.input.push(valueInfo(tensor.name, tensor.dataType, tensor.dims.map(Number)));
  while (node.input.length <= index) node.input.push("");
  node.input[index] = tensor.name;
}

function freshName(model: Model, wanted: string): string {
  const taken = new Set<string>();
  for (const { nodes, initializers, inputs } of graphsOf(model)) {
    for (const { input, output } of nodes) for (const name of [...input, ...output]) taken.add(name);
    for (const { name } of initializers) taken.add(name);
    for (const name of inputs) taken.add(name);
  }
  let name = wanted;
  for (let n = 2; taken.has(name); n++) name = `${wanted}_${n}`;
  return name;
}

/** Removes initialisers that no node reads any more, and their entries as inputs. */
export function dropUnread(model: Model, candidates: readonly string[]): void {
  const { graph } = model;
  const read = new Set(graph.output.map(({ name }) => name));
  for (const { nodes } of graphsOf(model)) for (const { input } of nodes) for (const name of input) read.add(name);
  const gone = new Set(candidates.filter((name) => !read.has(name)));
  graph.initializer = graph.initializer.filter(({ name }) => !gone.has(name));
  graph.input = graph.input.filter(({ name }) => !gone.has(name));
  graph.node = graph.node.filter(
    ({ opType, output }) => opType !== "Constant" || !output.every((name) => gone.has(name)),
  );
}
