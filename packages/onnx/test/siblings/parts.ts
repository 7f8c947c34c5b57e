import { create } from "@bufbuild/protobuf";
import { type AttributeProto, type NodeProto, type TensorProto, TensorProtoSchema } from "onnx-buf";
import { nodeOf, tensorOf } from "../../src/graph/encode.ts";
import { constant, graphAttribute, open, PARAMETER_NAMES as P, parameter } from "./net.ts";

export { P };

/** An If with the output `y`; each branch is given by its nodes and its output. */
export function branch(
  condition: string,
  y: string,
  taken: NodeProto[],
  takenOutput: string,
  other: NodeProto[],
  otherOutput: string,
  name = "o",
): NodeProto {
  return nodeOf(
    "If",
    name,
    [condition],
    [y],
    [
      graphAttribute("then_branch", { node: taken, output: [open(takenOutput)] }),
      graphAttribute("else_branch", { node: other, output: [open(otherOutput)] }),
    ],
  );
}

/** A BatchNormalization with further outputs and with only these attributes. */
export function own(
  x: string,
  y: string,
  outputs: readonly string[] = [],
  attributes: readonly AttributeProto[] = [],
): NodeProto {
  return nodeOf("BatchNormalization", `bn_${y}`, [x, ...P], [y, ...outputs], attributes);
}

/** The nodes of a function, after Constants for scale, B, mean and var. */
export function body(nodes: readonly NodeProto[]): NodeProto[] {
  return [...P.map((name, i) => constant(name, parameter(i))), ...nodes];
}

export function doubles(name: string, dims: readonly number[], ...values: readonly number[]): TensorProto {
  return tensorOf(name, dims, Float64Array.from(values));
}

/** A float16 tensor given by its bits. */
export function halves(name: string, dims: readonly number[], ...bits: readonly number[]): TensorProto {
  const rawData = new Uint8Array(Uint16Array.from(bits).buffer);
  return create(TensorProtoSchema, { name, dataType: 10, dims: dims.map(BigInt), rawData });
}
