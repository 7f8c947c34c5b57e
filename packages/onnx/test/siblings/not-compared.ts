import {
  floatAttribute as float,
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
  holder,
  LOCAL,
  local,
  net,
  norm,
  old,
  open,
  sparseOf,
  X,
} from "./net.ts";
import { branch } from "./parts.ts";

/**
 * Models of which some normalizations are not compared, or that are refused, with the expected messages. Statuses are
 * in the order of the rows; without rows there is an error code.
 */
export const NOT_COMPARED: Readonly<Record<string, readonly [bytes: Uint8Array, statuses: string, what: RegExp]>> = {
  "a branch in a branch, and one that is not taken": [
    net({
      nodes: [
        branch(
          "c0",
          "Y",
          [branch("c0", "z", [norm("X", "t")], "t", [node("Neg", "", ["X"], ["e"])], "e", "i")],
          "z",
          [norm("X", "q")],
          "q",
        ),
      ],
      weights: [boolTensor("c0", true)],
    }),
    "skipped passed",
    /which does not run for this input/,
  ],
  "a branch that an input chooses": [
    net({
      nodes: [
        node(
          "If",
          "o",
          ["C"],
          ["Y"],
          [
            graphAttribute("then_branch", { node: [norm("X", "t")], output: [open("t")] }),
            graphAttribute("else_branch", { node: [norm("X", "q")], output: [open("q")] }),
          ],
        ),
      ],
      inputs: [X, valueInfo("C", 9, [])],
    }),
    "passed skipped",
    /which does not run for this input/,
  ],
  "a Loop in operator set 6": [
    net({
      opset: 6,
      ir: 3,
      nodes: [
        old("X", "a"),
        node(
          "Loop",
          "l",
          ["m", "c0", "a"],
          ["Y"],
          [
            graphAttribute("body", {
              node: [
                old("v", "w"),
                node("Add", "ad", ["w", "k"], ["u"], [int("broadcast", 1), int("axis", 1)]),
                node("Identity", "id", ["cc"], ["co"]),
              ],
              input: [valueInfo("it", 7, []), valueInfo("cc", 9, []), valueInfo("v", 1, [1, 3, 4, 4])],
              output: [valueInfo("co", 9, []), valueInfo("u", 1, [1, 3, 4, 4])],
            }),
          ],
        ),
      ],
      weights: [intTensor("m", [2]), boolTensor("c0", true), floats("k", [3], 1, 2, 3)],
    }),
    "passed skipped",
    /nodes inside Loop, Scan and SequenceMap are not compared/,
  ],
  "a custom operator before one of two": [
    net({
      nodes: [Object.assign(node("My", "m", ["X"], ["z"]), { domain: "my" }), norm("z", "Y"), norm("X", "Q")],
      imports: [
        { domain: "", version: 15n },
        { domain: "my", version: 1n },
      ],
      outputs: [open("Y"), open("Q")],
    }),
    "skipped passed",
    /my:My\(-1\) is not a registered function/,
  ],
  "ImageScaler without the attribute that it needs, in the words of its constructor": [
    net({
      opset: 1,
      ir: 3,
      nodes: [old("X", "a"), node("ImageScaler", "t", ["a"], ["c"], [float("scale", 2)]), old("c", "Y")],
    }),
    "passed skipped",
    /does not load the model: Exception during initialization: \w*ImageScaler: \[ONNXRuntimeError\]/,
  ],
  "ConstantFill-1, a shape that a tensor gives": [
    net({
      opset: 1,
      ir: 3,
      nodes: [node("ConstantFill", "t", ["X"], ["c"], [float("value", 2)]), old("c", "Y")],
    }),
    "ERR_BN_DATA",
    /operator set 1, ConstantFill node "t": takes its shape from a tensor, which later operator sets do not support; convert the model/,
  ],
  "an operator that the operator set lacks": [
    net({ nodes: [norm("X", "a"), node("Nonsense", "", ["a"], ["q"]), norm("q", "Y")] }),
    "passed skipped",
    /No Op registered for Nonsense with domain_version of 15/,
  ],
  "a custom operator in a branch": [
    net({
      imports: [
        { domain: "", version: 15n },
        { domain: "my", version: 1n },
      ],
      nodes: [
        branch(
          "c0",
          "q",
          [Object.assign(node("My", "", ["X"], ["t"]), { domain: "my" })],
          "t",
          [node("Neg", "", ["X"], ["e"])],
          "e",
        ),
        norm("q", "Y"),
        norm("X", "Z"),
      ],
      weights: [boolTensor("c0", true)],
      outputs: [open("Y"), open("Z")],
    }),
    "skipped passed",
    /my:My\(-1\) is not a registered function/,
  ],
  "a function that calls itself": [
    net({
      imports: LOCAL,
      nodes: [norm("X", "a"), call("g", ["a"], ["Y"])],
      functions: [local("g", ["x"], ["y"], [call("g", ["x"], ["y"])], { opsetImport: LOCAL })],
    }),
    "ERR_BN_DATA",
    /function "g" calls itself/,
  ],
  "a file format of the future": [
    net({ ir: 99, nodes: [norm("X", "Y")] }),
    "ERR_BN_DATA",
    /^ONNX Runtime does not load the model: Model: Unsupported model IR version: 99, max supported IR version: \d+$/,
  ],
  "spatial 0, a parameter per channel with trailing ones": [
    net({
      opset: 7,
      ir: 3,
      nodes: [norm("X", "Y", [int("spatial", 0)])],
      weights: ["scale", "B", "mean", "var"].map((name) => floats(name, [3, 1, 1], 1, 2, 3)),
    }),
    "ERR_BN_DATA",
    /spatial is 0 and scale has shape \[3,1,1\], but spatial 0 needs \[3,4,4\]/,
  ],
  "an attribute that no version has": [
    net({ nodes: [norm("X", "Y", [int("axis", 1)])] }),
    "passed",
    /Unrecognized attribute: axis/,
  ],
  "a size that no first choice meets": [
    net({
      nodes: [node("Reshape", "", ["X", "s"], ["c"]), norm("c", "Y")],
      inputs: [valueInfo("X", 1, ["N", 3, "H"])],
      weights: [intTensor("s", [1, 3, 507])],
    }),
    "ERR_BN_DATA",
    /tried with inputs "X" \[1,3,64\]; pass the shapes that it expects, e\.g\. bn verify --shape NAME=1,3,224,224$/,
  ],
  "InstanceNormalization of [N, C]: with every size given, none is asked for": [
    net({
      nodes: [node("InstanceNormalization", "l", ["X", "scale", "B"], ["Y"])],
      inputs: [valueInfo("X", 1, [2, 3])],
    }),
    "passed",
    /number of dimensions is less than 3: 2; tried with inputs "X" \[2,3\]$/,
  ],
  "a weight that is cut off": [
    net({
      nodes: [norm("X", "Y"), node("BatchNormalization", "bad", ["X", "scale", "B", "cut", "var"], ["Z"])],
      weights: [Object.assign(floats("cut", [3], 1), { rawData: new Uint8Array(5) })],
      outputs: [open("Y"), open("Z")],
    }),
    "passed skipped",
    /tensor "cut", has shape \[3\], that is 3 values, and holds 5 bytes/,
  ],
  "a batch of 0": [
    net({ nodes: [norm("X", "Y")], inputs: [valueInfo("X", 1, [0, 3, 4, 4])] }),
    "skipped",
    /X has shape \[0,3,4,4\], which has no values, so there is nothing to compare/,
  ],
  "a batch of 0 vast pictures": [
    net({ nodes: [norm("X", "Y")], inputs: [valueInfo("X", 1, [0, 3, 4, 2 ** 40])] }),
    "ERR_BN_DATA",
    /Tensor\.dims\[3\] is invalid/,
  ],
  "LpPool-1, p no whole number": [
    net({
      opset: 1,
      ir: 3,
      nodes: [node("LpPool", "t", ["X"], ["c"], [float("p", 2.5), ints("kernel_shape", [2, 2])]), old("c", "Y")],
    }),
    "ERR_BN_DATA",
    /operator set 1, LpPool node "t": p is 2\.5, and since version 2 a whole number; convert the model/,
  ],
  "sparse, an index too large": [
    net({ nodes: [norm("X", "Y")], sparse: [sparseOf("mean", [1], [7])] }),
    "ERR_BN_DATA",
    /mean, tensor "mean", is sparse, and index 0 lies outside of shape \[3\]; export/,
  ],
  "sparse, an index below 0": [
    net({ nodes: [norm("X", "Y")], sparse: [sparseOf("mean", [1], [-1])] }),
    "ERR_BN_DATA",
    /mean, tensor "mean", is sparse, and index 0 lies outside of shape \[3\]; export/,
  ],
  "sparse, indices that do not ascend": [
    net({ nodes: [norm("X", "Y")], sparse: [sparseOf("mean", [1, 2], [2, 0])] }),
    "ERR_BN_DATA",
    /mean, tensor "mean", is sparse, and index 1 does not ascend; export/,
  ],
  "an input of no rank": [
    net({ nodes: [norm("X", "Y")], inputs: [open("X")] }),
    "ERR_BN_DATA",
    /input "X" has no shape in the model; give one, e\.g\. bn verify --shape X=1,3,224,224/,
  ],
  "parameters of two axes": [
    net({ nodes: [norm("X", "Y")], weights: [floats("scale", [1, 3], 1, 2, 3)] }),
    "ERR_BN_DATA",
    /scale, tensor "scale", has shape \[1,3\], expected \[3\] as B/,
  ],
  "an input that is a sequence": [
    net({
      nodes: [node("SequenceAt", "", ["S", "z"], ["c"]), norm("c", "Y")],
      weights: [Object.assign(intTensor("z", [0]), { dims: [] })],
      inputs: [holder("S", "sequenceType")],
    }),
    "ERR_BN_DATA",
    /input "S" is not a tensor \(sequenceType\)/,
  ],
  "an input that is optional": [
    net({
      opset: 15,
      nodes: [node("OptionalGetElement", "", ["O"], ["c"]), norm("c", "Y")],
      inputs: [holder("O", "optionalType")],
    }),
    "ERR_BN_DATA",
    /input "O" is not a tensor \(optionalType\)/,
  ],
  "training, a stored mean whose sums are beyond float32": [
    net({
      opset: 15,
      nodes: [
        node(
          "BatchNormalization",
          "t",
          ["X", "scale", "B", "vast", "var"],
          ["Y", "rm", "rv"],
          [int("training_mode", 1)],
        ),
      ],
      weights: [floats("vast", [3], 2 ** 127, -3, 0)],
    }),
    "passed",
    /^running statistics are not compared/,
  ],
};
