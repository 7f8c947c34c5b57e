import { create } from "@bufbuild/protobuf";
import { AttributeProtoSchema } from "onnx-buf";
import {
  intAttribute as int,
  intsAttribute as ints,
  intTensor,
  nodeOf as node,
  valueInfo,
} from "../../src/graph/encode.ts";
import { constant, floats, holder, net, norm, open, ramp, X } from "./net.ts";

/**
 * Inputs and outputs of the network: types, open sizes, values that are not tensors. Every normalization in these
 * models is compared.
 */
export const INPUTS: Readonly<Record<string, Uint8Array>> = {
  "X of [N, C]": net({ nodes: [norm("X", "Y")], inputs: [valueInfo("X", 1, [5, 3])] }),
  "X of three axes, two open": net({ nodes: [norm("X", "Y")], inputs: [valueInfo("X", 1, ["N", 3, "T"])] }),
  "X of five axes": net({ nodes: [norm("X", "Y")], inputs: [valueInfo("X", 1, [2, 3, 2, 2, 2])] }),
  "every size open": net({ nodes: [norm("X", "Y")], inputs: [valueInfo("X", 1, ["a", "b", "c", "d"])] }),
  "X is stored": net({ nodes: [norm("k", "Y")], weights: [ramp("k", [2, 3, 2])] }),
  "X is a Constant": net({ nodes: [constant("k", ramp("", [2, 3, 2])), norm("k", "Y")], inputs: [] }),
  "a string input for its shape": net({
    nodes: [node("Shape", "", ["I"], ["s"]), node("Reshape", "", ["X", "s"], ["c"]), norm("c", "Y")],
    inputs: [valueInfo("I", 8, [1, 3, 4, 4]), X],
  }),
  "a string input cast to numbers": net({
    nodes: [node("Cast", "", ["I"], ["c"], [int("to", 1)]), norm("c", "Y")],
    inputs: [valueInfo("I", 8, [1, 3, 4, 4])],
  }),
  "a string input looked up": net({
    imports: [
      { domain: "", version: 15n },
      { domain: "ai.onnx.ml", version: 2n },
    ],
    nodes: [
      Object.assign(
        node(
          "LabelEncoder",
          "",
          ["I"],
          ["c"],
          [
            create(AttributeProtoSchema, { name: "keys_strings", type: 8, strings: [new TextEncoder().encode("a")] }),
            create(AttributeProtoSchema, { name: "values_floats", type: 6, floats: [1] }),
          ],
        ),
        { domain: "ai.onnx.ml" },
      ),
      norm("c", "Y"),
    ],
    inputs: [valueInfo("I", 8, [1, 3, 4, 4])],
  }),
  "an output that is a sequence": net({
    nodes: [norm("X", "Y"), node("SequenceConstruct", "", ["Y"], ["S"])],
    outputs: [holder("S", "sequenceType")],
  }),
  "a sequence before the node": net({
    nodes: [
      node("SequenceConstruct", "", ["X", "X"], ["S"]),
      node("SequenceAt", "", ["S", "z"], ["c"]),
      norm("c", "Y"),
    ],
    weights: [Object.assign(intTensor("z", [0]), { dims: [] })],
  }),
  "an input that is a sequence, not needed": net({
    nodes: [norm("X", "Y"), node("SequenceLength", "", ["S"], ["l"])],
    inputs: [X, holder("S", "sequenceType")],
    outputs: [open("Y"), open("l", 7)],
  }),
  "an input that is an output": net({ nodes: [norm("X", "Y")], outputs: [open("Y"), open("X")] }),
  "X of one axis": net({
    nodes: [norm("X", "Y")],
    inputs: [valueInfo("X", 1, [4])],
    weights: [floats("scale", [1], 1), floats("B", [1], 1), floats("mean", [1], 1), floats("var", [1], 1)],
  }),
  ...Object.fromEntries(
    Object.entries({
      uint8: 2,
      int8: 3,
      uint16: 4,
      int16: 5,
      int32: 6,
      int64: 7,
      bool: 9,
      float16: 10,
      uint32: 12,
      uint64: 13,
      bfloat16: 16,
    }).map(([type, number]) => [
      `a network input of ${type}`,
      net({
        nodes: [node("Cast", "", ["I"], ["c"], [int("to", 1)]), norm("c", "Y")],
        inputs: [valueInfo("I", number, [1, 3, 4, 4])],
      }),
    ]),
  ),
  "an output that is optional": net({
    opset: 16,
    nodes: [norm("X", "Y"), node("Optional", "", ["Y"], ["O"])],
    outputs: [holder("O", "optionalType")],
  }),
  "an output listed twice": net({ nodes: [norm("X", "Y")], outputs: [open("Y"), open("Y")] }),
  "an output of strings": net({
    nodes: [norm("X", "Y"), node("Cast", "", ["Y"], ["s"], [int("to", 8)])],
    outputs: [open("s", 8)],
  }),
  "an output nobody gives": net({ nodes: [norm("X", "Y")], outputs: [open("Y"), open("nowhere")] }),
  "no outputs": net({ nodes: [norm("X", "Y")], outputs: [] }),
  "an output of another declared shape": net({ nodes: [norm("X", "Y")], outputs: [valueInfo("Y", 1, [7, 7])] }),
  "sizes named as every object's properties": net({
    nodes: [norm("X", "Y")],
    inputs: [valueInfo("X", 1, ["__proto__", 3, "constructor", "toString"])],
  }),
  "every size open, channels last": net({
    nodes: [
      node("Transpose", "", ["X"], ["t"], [ints("perm", [0, 3, 1, 2])]),
      node("Conv", "", ["t", "w"], ["c"]),
      norm("c", "Y"),
    ],
    inputs: [valueInfo("X", 1, ["N", "H", "W", "C"])],
    weights: [ramp("w", [3, 3, 1, 1])],
  }),
  "sizes open but the channels, which are last": net({
    nodes: [
      node("Transpose", "", ["X"], ["t"], [ints("perm", [0, 3, 1, 2])]),
      node("Conv", "", ["t", "w"], ["c"]),
      norm("c", "Y"),
    ],
    inputs: [valueInfo("X", 1, ["N", "H", "W", 3])],
    weights: [ramp("w", [3, 3, 1, 1])],
  }),
  "an open size that MatMul tells, then Transpose": net({
    nodes: [
      node("MatMul", "", ["X", "w"], ["t"]),
      node("Transpose", "", ["t"], ["u"], [ints("perm", [0, 2, 1])]),
      norm("u", "Y"),
    ],
    inputs: [valueInfo("X", 1, ["N", "T", "F"])],
    weights: [ramp("w", [7, 3])],
  }),
  "an open size that Gemm tells": net({
    nodes: [node("Gemm", "", ["X", "w"], ["t"], [int("transB", 1)]), norm("t", "Y")],
    inputs: [valueInfo("X", 1, ["N", "F"])],
    weights: [ramp("w", [3, 7])],
  }),
  "an open size that MatMul tells": net({
    nodes: [node("MatMul", "", ["X", "w"], ["t"]), norm("t", "Y")],
    inputs: [valueInfo("X", 1, ["N", "F"])],
    weights: [ramp("w", [7, 3])],
  }),
  "batch in the second axis": net({
    nodes: [
      node("LSTM", "g", ["S", "W", "R"], ["", "h", ""], [int("hidden_size", 3)]),
      node("Squeeze", "q", ["h", "ax"], ["c"]),
      norm("c", "Y"),
    ],
    weights: [ramp("W", [1, 12, 4]), ramp("R", [1, 12, 3]), intTensor("ax", [0])],
    inputs: [valueInfo("S", 1, ["seq", "batch", 4])],
  }),
  "an open size that LSTM tells": net({
    nodes: [
      node("LSTM", "g", ["S", "W", "R"], ["", "h", ""], [int("hidden_size", 3)]),
      node("Squeeze", "q", ["h", "ax"], ["c"]),
      norm("c", "Y"),
    ],
    weights: [ramp("W", [1, 12, 4]), ramp("R", [1, 12, 3]), intTensor("ax", [0])],
    inputs: [valueInfo("S", 1, ["seq", "batch", "f"])],
  }),
  "two inputs of open sizes that must agree": net({
    nodes: [node("Add", "", ["X", "Z"], ["a"]), norm("a", "Y")],
    inputs: [valueInfo("X", 1, ["N", 3, "H", "W"]), valueInfo("Z", 1, ["M", 3, "H2", "W2"])],
  }),
  "sizes of -1": net({ nodes: [norm("X", "Y")], inputs: [valueInfo("X", 1, [-1, 3, -1, -1])] }),
  "X of six axes": net({ nodes: [norm("X", "Y")], inputs: [valueInfo("X", 1, [1, 3, 2, 2, 2, 2])] }),
  "an input of complex64 that nobody needs": net({ nodes: [norm("X", "Y")], inputs: [X, valueInfo("C", 14, [2])] }),
  "an input of no rank that nobody needs": net({ nodes: [norm("X", "Y")], inputs: [X, open("S", 8)] }),
};
