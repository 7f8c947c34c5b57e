import { create } from "@bufbuild/protobuf";
import { AttributeProtoSchema, SparseTensorProtoSchema, TensorProtoSchema } from "onnx-buf";
import {
  floatsAttribute as floatsA,
  intAttribute as int,
  intsAttribute as ints,
  intTensor,
  nodeOf as node,
  valueInfo,
} from "../../src/graph/encode.ts";
import {
  boolTensor,
  call,
  floats,
  graphAttribute,
  LOCAL,
  local,
  net,
  norm,
  open,
  PARAMETER_NAMES,
  sparseOf,
  X,
} from "./net.ts";
import { branch, doubles, P } from "./parts.ts";

/** Sources of parameters: sparse tensors, computed values, inputs. Every normalization in these models is compared. */
export const PARAMETERS_FROM: Readonly<Record<string, Uint8Array>> = {
  "sparse, indices of [n, 1]": net({ nodes: [norm("X", "Y")], sparse: [sparseOf("mean", [0.5, -3], [0, 1], true)] }),
  "sparse without a value": net({ nodes: [norm("X", "Y")], sparse: [sparseOf("mean", [], [])] }),
  "sparse with every value": net({ nodes: [norm("X", "Y")], sparse: [sparseOf("var", [1, 2, 3], [0, 1, 2])] }),
  "var alone is an input": net({ nodes: [norm("X", "Y")], inputs: [X, valueInfo("var", 1, [3])] }),
  "var is an input through Abs": net({
    nodes: [
      node("Abs", "", ["v"], ["var2"]),
      node("BatchNormalization", "b", ["X", "scale", "B", "mean", "var2"], ["Y"]),
    ],
    inputs: [X, valueInfo("v", 1, [3])],
  }),
  "var is an input less a number": net({
    nodes: [
      node("Sub", "", ["v", "k"], ["var2"]),
      node("BatchNormalization", "b", ["X", "scale", "B", "mean", "var2"], ["Y"]),
    ],
    inputs: [X, valueInfo("v", 1, [3])],
    weights: [floats("k", [], 0.1)],
  }),
  "all are inputs of float16": net({
    nodes: [norm("X", "Y")],
    inputs: [valueInfo("X", 10, [1, 3, 4, 4]), ...PARAMETER_NAMES.map((k) => valueInfo(k, 10, [3]))],
    outputs: [open("Y", 10)],
  }),
  "all are inputs of float64": net({
    nodes: [norm("X", "Y")],
    inputs: [valueInfo("X", 11, [1, 3, 4, 4]), ...PARAMETER_NAMES.map((k) => valueInfo(k, 11, [3]))],
    outputs: [open("Y", 11)],
  }),
  "all four sparse": net({
    nodes: [norm("X", "Y")],
    sparse: [
      sparseOf("scale", [1, 2], [0, 2]),
      sparseOf("B", [1], [1]),
      sparseOf("mean", [1, 2, 3], [0, 1, 2]),
      sparseOf("var", [1, 2, 0.5], [0, 1, 2]),
    ],
  }),
  "sparse, float64": net({
    nodes: [norm("X", "Y")],
    inputs: [valueInfo("X", 11, [1, 3, 4])],
    weights: [doubles("scale", [3], 1, 2, 3), doubles("B", [3], 1, 2, 3), doubles("var", [3], 1, 2, 3)],
    sparse: [
      create(SparseTensorProtoSchema, { values: doubles("mean", [1], 2), indices: intTensor("", [1]), dims: [3n] }),
    ],
    outputs: [open("Y", 11)],
  }),
  "Constant sparse_value": net({
    nodes: [
      node(
        "Constant",
        "",
        [],
        ["mean2"],
        [create(AttributeProtoSchema, { name: "sparse_value", type: 11, sparseTensor: sparseOf("", [2], [1]) })],
      ),
      node("BatchNormalization", "b", ["X", "scale", "B", "mean2", "var"], ["Y"]),
    ],
  }),
  "Constant value_floats": net({
    nodes: [
      node("Constant", "", [], ["mean2"], [floatsA("value_floats", [1, 2, 3])]),
      node("BatchNormalization", "b", ["X", "scale", "B", "mean2", "var"], ["Y"]),
    ],
  }),
  "sparse weights of a convolution before": net({
    nodes: [node("Conv", "", ["X", "w"], ["c"]), norm("c", "Y")],
    sparse: [
      create(SparseTensorProtoSchema, {
        values: floats("w", [2], 1, -2),
        indices: Object.assign(intTensor("", [0, 1, 0, 0, 2, 2, 0, 0]), { dims: [2n, 4n] }),
        dims: [3n, 3n, 1n, 1n],
      }),
    ],
  }),
  "sparse in an If branch": net({
    nodes: [
      node(
        "If",
        "o",
        ["c0"],
        ["Y"],
        [
          graphAttribute("then_branch", {
            node: [node("BatchNormalization", "b", ["X", "scale", "B", "m9", "var"], ["t"])],
            sparseInitializer: [sparseOf("m9", [2], [1])],
            output: [open("t")],
          }),
          graphAttribute("else_branch", { node: [node("Neg", "", ["X"], ["q"])], output: [open("q")] }),
        ],
      ),
    ],
    weights: [boolTensor("c0", true)],
  }),
  "var an input, in an If branch": net({
    nodes: [branch("c0", "Y", [norm("X", "t")], "t", [node("Neg", "", ["X"], ["q"])], "q")],
    weights: [boolTensor("c0", true)],
    inputs: [X, valueInfo("var", 1, [3])],
  }),
  "var an input, in a function": net({
    imports: LOCAL,
    nodes: [call("g", ["X", ...P], ["Y"])],
    functions: [
      local("g", ["x", "s", "b", "m", "v"], ["y"], [node("BatchNormalization", "b", ["x", "s", "b", "m", "v"], ["y"])]),
    ],
    inputs: [X, valueInfo("var", 1, [3])],
  }),
  "var an input through Squeeze": net({
    nodes: [
      node("Squeeze", "", ["v4", "ax"], ["var2"]),
      node("BatchNormalization", "b", ["X", "scale", "B", "mean", "var2"], ["Y"]),
    ],
    inputs: [X, valueInfo("v4", 1, [1, 3, 1, 1])],
    weights: [intTensor("ax", [0, 2, 3])],
  }),
  "mean and var one input": net({
    nodes: [node("BatchNormalization", "b", ["X", "scale", "B", "v", "v"], ["Y"])],
    inputs: [X, valueInfo("v", 1, [3])],
  }),
  "parameters are inputs of one open size": net({
    nodes: [norm("X", "Y")],
    inputs: [valueInfo("X", 1, ["N", "C", "L"]), ...P.map((k) => valueInfo(k, 1, ["C"]))],
  }),
  "parameters are inputs of open sizes each of its own name": net({
    nodes: [norm("X", "Y")],
    inputs: [valueInfo("X", 1, ["N", "C", "L"]), ...P.map((k) => valueInfo(k, 1, [`d_${k}`]))],
  }),
  "parameters are inputs of open sizes, X is not": net({
    nodes: [norm("X", "Y")],
    inputs: [valueInfo("X", 1, [2, 3, 5]), ...P.map((k) => valueInfo(k, 1, [`d_${k}`]))],
  }),
  "mean and var are computed from X": net({
    nodes: [
      node("ReduceMean", "", ["X"], ["m"], [ints("axes", [0, 2, 3]), int("keepdims", 0)]),
      node("Mul", "", ["X", "X"], ["x2"]),
      node("ReduceMean", "", ["x2"], ["v"], [ints("axes", [0, 2, 3]), int("keepdims", 0)]),
      node("BatchNormalization", "b", ["X", "scale", "B", "m", "v"], ["Y"]),
    ],
  }),
  "parameters named constructor": net({
    nodes: [node("BatchNormalization", "b", ["X", "constructor", "__proto__", "toString", "valueOf"], ["Y"])],
    weights: [
      ["constructor", 1],
      ["__proto__", 2],
      ["toString", 0],
      ["valueOf", 3],
    ].map(([k, v]) => floats(k as string, [3], v as number, 1, 2)),
  }),
  "mean is dequantized from int4": net({
    opset: 21,
    ir: 10,
    nodes: [
      node("DequantizeLinear", "", ["w4", "qs"], ["m4"]),
      node("BatchNormalization", "b", ["X", "scale", "B", "m4", "var"], ["Y"]),
    ],
    weights: [
      create(TensorProtoSchema, { name: "w4", dataType: 22, dims: [3n], rawData: new Uint8Array([0x21, 0x03]) }),
      floats("qs", [], 0.5),
    ],
  }),
  "mean is cast from int8": net({
    nodes: [
      node("Cast", "", ["i8"], ["m4"], [int("to", 1)]),
      node("BatchNormalization", "b", ["X", "scale", "B", "m4", "var"], ["Y"]),
    ],
    weights: [create(TensorProtoSchema, { name: "i8", dataType: 3, dims: [3n], int32Data: [1, -2, 3] })],
  }),
  "parameters are stored, and inputs too": net({
    nodes: [norm("X", "Y")],
    inputs: [X, ...P.map((k) => valueInfo(k, 1, [3]))],
    weights: P.map((k, i) => Object.assign(floats(k, [3], 1 + i, 2, 3))),
  }),
  "a damaged initialiser that nobody needs": net({
    nodes: [norm("X", "Y")],
    weights: [create(TensorProtoSchema, { name: "junk", dataType: 1, dims: [3n], rawData: new Uint8Array(1) })],
  }),
  "an initialiser of float8 that nobody needs": net({
    nodes: [norm("X", "Y")],
    weights: [create(TensorProtoSchema, { name: "junk", dataType: 17, dims: [3n], rawData: new Uint8Array(3) })],
  }),
};
