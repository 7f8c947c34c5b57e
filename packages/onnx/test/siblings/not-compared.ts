import {
  floatAttribute as float,
  intAttribute as int,
  intsAttribute as ints,
  intTensor,
  nodeOf as node,
  valueInfo,
} from "../../src/graph/encode.ts";
import { boolTensor, floats, graphAttribute, holder, net, norm, old, open, sparseOf, X } from "./net.ts";

/** Kinds of which some are not, or that are refused: what is said. The statuses in the order of the rows; an error code where there are no rows. */
export const NOT_COMPARED: Readonly<Record<string, readonly [bytes: Uint8Array, statuses: string, what: RegExp]>> = {
  "a branch in a branch, and one that is not taken": [
    net({
      nodes: [
        node(
          "If",
          "o",
          ["c0"],
          ["Y"],
          [
            graphAttribute("then_branch", {
              node: [
                node(
                  "If",
                  "i",
                  ["c0"],
                  ["z"],
                  [
                    graphAttribute("then_branch", { node: [norm("X", "t")], output: [open("t")] }),
                    graphAttribute("else_branch", { node: [node("Neg", "", ["X"], ["e"])], output: [open("e")] }),
                  ],
                ),
              ],
              output: [open("z")],
            }),
            graphAttribute("else_branch", { node: [norm("X", "q")], output: [open("q")] }),
          ],
        ),
      ],
      weights: [boolTensor("c0", true)],
    }),
    "skipped passed",
    /which this input does not take/,
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
    /which this input does not take/,
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
    /nodes inside of Loop and Scan are not compared/,
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
  "an operator that went, between two": [
    net({
      opset: 1,
      ir: 3,
      nodes: [old("X", "a"), node("ImageScaler", "t", ["a"], ["c"], [float("scale", 2)]), old("c", "Y")],
    }),
    "passed skipped",
    /ImageScaler/,
  ],
  "a batch of 0": [
    net({ nodes: [norm("X", "Y")], inputs: [valueInfo("X", 1, [0, 3, 4, 4])] }),
    "skipped",
    /X has shape \[0,3,4,4\], no value at all: nothing to compare/,
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
    /input "X" has no rank in the model; give its shape, e\.g\. bn verify --shape X=1,3,224,224/,
  ],
  "parameters of two axes": [
    net({ nodes: [norm("X", "Y")], weights: [floats("scale", [1, 3], 1, 2, 3)] }),
    "ERR_BN_DATA",
    /scale, tensor "scale", has shape \[1,3\], expected one axis, the channels/,
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
