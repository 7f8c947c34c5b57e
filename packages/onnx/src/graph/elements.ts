import type { NodeProto } from "onnx-buf";
import { attributeOf, type Model, producersOf, tensorTypeOf } from "./proto.ts";

/** The TensorProto.DataType of element types that are narrower than our dtypes. */
export const FLOAT16 = 10;
export const BFLOAT16 = 16;

/**
 * The element types of the tensors of the top level, as far as the model tells them. A type is declared, or follows
 * from the node that computes the tensor; most nodes keep the type of their input.
 */
export function elementTypes({ graph }: Model): (name: string) => number | undefined {
  const known = new Map<string, number>();
  for (const value of [...graph.input, ...graph.output, ...graph.valueInfo]) {
    const type = tensorTypeOf(value);
    if (type) known.set(value.name, type.elemType);
  }
  for (const { name, dataType } of graph.initializer) known.set(name, dataType);
  const producers = producersOf(graph.node);
  return (wanted) => {
    const passed: string[] = [];
    let name = wanted;
    let found = known.get(name);
    while (found === undefined && !passed.includes(name)) {
      passed.push(name);
      const node = producers.get(name);
      if (!node) break;
      found = ownType(node);
      if (found !== undefined) break;
      name = node.input[0] ?? "";
      found = known.get(name);
    }
    if (found !== undefined) for (const one of passed) known.set(one, found);
    return found;
  };
}

/** The type that a node gives if it is not that of its first input. */
function ownType(node: NodeProto): number | undefined {
  if (node.opType === "Cast") return Number(attributeOf(node, "to")?.i ?? 0n);
  if (node.opType === "Constant" || node.opType === "ConstantOfShape")
    return attributeOf(node, "value")?.t?.dataType ?? 1;
  return undefined;
}
