import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema, type NodeProto, type TensorProto } from "onnx-buf";
import { tensorOf } from "../../src/graph/encode.ts";
import { numbersOf } from "../../src/graph/tensor.ts";

/** A BatchNormalization of a network whose numbers can be changed. */
export interface Planting {
  readonly node: NodeProto;
  /** The values of scale, B, mean and var: inputs 1 to 4. */
  get(input: number): Float32Array;
  set(input: number, values: ArrayLike<number>): void;
  /** The weights and bias of the convolution before it, if there is one. */
  readonly conv: NodeProto | undefined;
  weights(): Float32Array;
  setWeights(values: ArrayLike<number>): void;
  setBias(values: ArrayLike<number>): void;
  /** The epsilon. */
  readonly eps: number;
}

/** Changes the nodes of a network that `which` selects. */
export function planted(
  bytes: Uint8Array,
  plant: (one: Planting, index: number) => void,
  which: (index: number) => boolean = () => true,
): Uint8Array {
  return changed(bytes, (model) => {
    for (const [index, one] of plantingsOf(model).entries()) if (which(index)) plant(one, index);
  });
}

export function changed(bytes: Uint8Array, change: (model: ModelProto) => void): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes);
  change(model);
  return toBinary(ModelProtoSchema, model);
}

export function plantingsOf({ graph }: ModelProto): Planting[] {
  if (!graph) return [];
  const tensors = new Map<string, TensorProto>(graph.initializer.map((one) => [one.name, one]));
  for (const { opType, attribute, output } of graph.node) {
    const value = opType === "Constant" ? attribute.find(({ name }) => name === "value")?.t : undefined;
    if (value) tensors.set(output[0] ?? "", value);
  }
  const read = (name = ""): Float32Array => {
    const numbers = numbersOf(tensors.get(name) as TensorProto);
    if (typeof numbers === "string") throw new Error(numbers);
    return Float32Array.from(numbers.data);
  };
  const write = (name = "", values: ArrayLike<number>) => {
    const tensor = tensors.get(name) as TensorProto;
    tensor.rawData = new Uint8Array(Float32Array.from(values).buffer);
    tensor.floatData = [];
  };
  const norms = graph.node.filter(({ opType }) => opType === "BatchNormalization");
  return norms.map((node) => {
    const conv = graph.node.find(({ output, opType }) => opType === "Conv" && output[0] === node.input[0]);
    return {
      node,
      get: (input) => read(node.input[input]),
      set: (input, values) => write(node.input[input], values),
      conv,
      weights: () => read(conv?.input[1]),
      setWeights: (values) => write(conv?.input[1], values),
      setBias(values) {
        if (!conv) return;
        const name = `${node.name}/bias`;
        graph.initializer.push(tensorOf(name, [values.length], Float32Array.from(values)));
        conv.input[2] = name;
      },
      eps: node.attribute.find(({ name }) => name === "epsilon")?.f ?? Math.fround(1e-5),
    };
  });
}
