import { create } from "@bufbuild/protobuf";
import { AttributeProtoSchema } from "onnx-buf";
import {
  floatAttribute as float,
  intAttribute as int,
  intTensor,
  nodeOf as node,
  valueInfo,
} from "../../src/graph/encode.ts";
import {
  boolTensor,
  call,
  constant,
  floats,
  graphAttribute,
  holder,
  LOCAL,
  local,
  net,
  norm,
  old,
  open,
  PARAMETER_NAMES,
  parameter,
  ramp,
  referred,
  sparseOf,
  X,
} from "./net.ts";

/** Kinds of valid models of which every normalization is compared. */
export const COMPARED: Readonly<Record<string, Uint8Array>> = {
  "attributes by reference through two functions": net({
    imports: LOCAL,
    nodes: [call("outer", ["X"], ["Y"], [float("e", 0.25)])],
    functions: [
      local("outer", ["x"], ["y"], [call("inner", ["x"], ["y"], [referred("eps", "e")])], {
        attribute: ["e"],
        opsetImport: LOCAL,
      }),
      local(
        "inner",
        ["x"],
        ["y"],
        [
          constant("scale", parameter(0)),
          constant("B", parameter(1)),
          constant("mean", parameter(2)),
          constant("var", parameter(3)),
          node("BatchNormalization", "b", ["x", "scale", "B", "mean", "var"], ["y"], [referred("epsilon", "eps")]),
        ],
        { attribute: ["eps"] },
      ),
    ],
  }),
  "a function's default for an attribute, and a caller's value": net({
    imports: LOCAL,
    nodes: [call("g", ["X"], ["a"]), call("g", ["a"], ["Y"], [float("eps", 0.5)])],
    functions: [
      local(
        "g",
        ["x"],
        ["y"],
        [
          constant("scale", parameter(0)),
          constant("B", parameter(1)),
          constant("mean", parameter(2)),
          constant("var", parameter(3)),
          node("BatchNormalization", "b", ["x", "scale", "B", "mean", "var"], ["y"], [referred("epsilon", "eps")]),
        ],
        { attributeProto: [float("eps", 0.125)] },
      ),
    ],
  }),
  "parameters as inputs of a function": net({
    imports: LOCAL,
    nodes: [call("g", ["X", "scale", "B", "mean", "var"], ["Y"])],
    functions: [
      local("g", ["x", "s", "b", "m", "v"], ["y"], [node("BatchNormalization", "b", ["x", "s", "b", "m", "v"], ["y"])]),
    ],
  }),
  "a function in another operator set": net({
    imports: LOCAL,
    nodes: [call("g", ["X", "scale", "B", "mean", "var"], ["Y"])],
    functions: [
      local(
        "g",
        ["x", "s", "b", "m", "v"],
        ["y"],
        [node("BatchNormalization", "b", ["x", "s", "b", "m", "v"], ["y"])],
        { opsetImport: [{ domain: "", version: 14n }] },
      ),
    ],
  }),
  "the same behind a node of the model's": net({
    imports: LOCAL,
    nodes: [norm("X", "a"), call("g", ["a", "scale", "B", "mean", "var"], ["Y"])],
    functions: [
      local(
        "g",
        ["x", "s", "b", "m", "v"],
        ["y"],
        [node("BatchNormalization", "b", ["x", "s", "b", "m", "v"], ["y"])],
        { opsetImport: [{ domain: "", version: 14n }] },
      ),
    ],
  }),
  "a function called in a branch": net({
    imports: LOCAL,
    nodes: [
      node(
        "If",
        "o",
        ["c0"],
        ["Y"],
        [
          graphAttribute("then_branch", {
            node: [call("g", ["X", "scale", "B", "mean", "var"], ["t"])],
            output: [open("t")],
          }),
          graphAttribute("else_branch", { node: [node("Neg", "", ["X"], ["q"])], output: [open("q")] }),
        ],
      ),
    ],
    weights: [boolTensor("c0", true)],
    functions: [
      local("g", ["x", "s", "b", "m", "v"], ["y"], [node("BatchNormalization", "b", ["x", "s", "b", "m", "v"], ["y"])]),
    ],
  }),
  "sparse, indices of [n, 1]": net({ nodes: [norm("X", "Y")], sparse: [sparseOf("mean", [0.5, -3], [0, 1], true)] }),
  "sparse without a value": net({ nodes: [norm("X", "Y")], sparse: [sparseOf("mean", [], [])] }),
  "sparse with every value": net({ nodes: [norm("X", "Y")], sparse: [sparseOf("var", [1, 2, 3], [0, 1, 2])] }),
  "IR version 2 without opset_import": net({ ir: 2, imports: [], nodes: [old("X", "Y")] }),
  "the operator set of domain ai.onnx": net({
    imports: [{ domain: "ai.onnx", version: 9n }],
    ir: 4,
    nodes: [norm("X", "Y")],
  }),
  "a node of domain ai.onnx": net({ nodes: [Object.assign(norm("X", "Y"), { domain: "ai.onnx" })] }),
  "three nodes of one name": net({
    nodes: [
      Object.assign(norm("X", "a"), { name: "b" }),
      Object.assign(norm("a", "b"), { name: "b" }),
      Object.assign(norm("b", "Y"), { name: "b" }),
    ],
  }),
  "equal names, and one that renaming would take": net({
    nodes: [
      Object.assign(norm("X", "a"), { name: "b" }),
      Object.assign(norm("a", "b"), { name: "b#2" }),
      Object.assign(norm("b", "Y"), { name: "b" }),
    ],
  }),
  "nodes without names": net({
    nodes: [Object.assign(norm("X", "a"), { name: "" }), Object.assign(norm("a", "Y"), { name: "" })],
  }),
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
  "X of [N, C]": net({ nodes: [norm("X", "Y")], inputs: [valueInfo("X", 1, [5, 3])] }),
  "X of three axes, two open": net({ nodes: [norm("X", "Y")], inputs: [valueInfo("X", 1, ["N", 3, "T"])] }),
  "X of five axes": net({ nodes: [norm("X", "Y")], inputs: [valueInfo("X", 1, [2, 3, 2, 2, 2])] }),
  "every size open": net({ nodes: [norm("X", "Y")], inputs: [valueInfo("X", 1, ["a", "b", "c", "d"])] }),
  "X is stored": net({ nodes: [norm("k", "Y")], weights: [ramp("k", [2, 3, 2])] }),
  "X is a Constant": net({ nodes: [constant("k", ramp("", [2, 3, 2])), norm("k", "Y")], inputs: [] }),
  "another domain's BatchNormalization beside": net({
    nodes: [Object.assign(norm("X", "z"), { domain: "my" }), norm("X", "Y")],
    imports: [
      { domain: "", version: 15n },
      { domain: "my", version: 1n },
    ],
  }),
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
  "training, one running output unnamed": net({
    opset: 14,
    nodes: [
      node("BatchNormalization", "t", ["X", "scale", "B", "mean", "var"], ["Y", "", "rv"], [int("training_mode", 1)]),
    ],
  }),
  "training in float16": net({
    nodes: [node("BatchNormalization", "t", ["X", "scale", "B", "mean", "var"], ["Y"], [int("training_mode", 1)])],
    inputs: [valueInfo("X", 10, [1, 3, 4, 4])],
    outputs: [open("Y", 10)],
  }),
  "names that every object has": net({
    nodes: [
      node("Identity", "toString", ["__proto__"], ["constructor"]),
      Object.assign(norm("constructor", "hasOwnProperty"), { name: "__proto__" }),
    ],
    inputs: [valueInfo("__proto__", 1, [1, 3, 4, 4])],
    outputs: [open("hasOwnProperty")],
  }),
  "an operator named toString, operator set 6": net({
    opset: 6,
    ir: 3,
    nodes: [old("X", "Y"), node("toString", "q", ["Y"], ["z"])],
  }),
  "an input that is an output": net({ nodes: [norm("X", "Y")], outputs: [open("Y"), open("X")] }),
  "GroupNormalization, a scale per group": net({
    opset: 18,
    nodes: [node("GroupNormalization", "g", ["X", "s1", "b1"], ["a"], [int("num_groups", 1)]), norm("a", "Y")],
    weights: [floats("s1", [1], 2), floats("b1", [1], 1)],
  }),
  "GroupNormalization, a scale per channel": net({
    opset: 21,
    nodes: [node("GroupNormalization", "g", ["X", "scale", "B"], ["a"], [int("num_groups", 3)]), norm("a", "Y")],
  }),
  "LayerNormalization over two axes without B": net({
    opset: 17,
    nodes: [node("LayerNormalization", "g", ["X", "s1"], ["a", "", "inv"], [int("axis", 2)]), norm("a", "Y")],
    weights: [ramp("s1", [4, 4])],
  }),
  "LayerNormalization, scale broadcast": net({
    opset: 17,
    nodes: [node("LayerNormalization", "g", ["X", "s1"], ["a"], [int("axis", 1)]), norm("a", "Y")],
    weights: [ramp("s1", [4])],
  }),
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
};
