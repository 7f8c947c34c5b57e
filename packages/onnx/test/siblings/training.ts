import {
  floatAttribute as float,
  intAttribute as int,
  intsAttribute as ints,
  intTensor,
  nodeOf as node,
  valueInfo,
} from "../../src/graph/encode.ts";
import { boolTensor, call, floats, LOCAL, local, net, norm, old, open, ramp } from "./net.ts";
import { branch, doubles, own, P } from "./parts.ts";

/**
 * Training and inference, and attributes that an operator set has or lacks. Every normalization in these models is
 * compared.
 */
export const TRAINING: Readonly<Record<string, Uint8Array>> = {
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
  "training after inference, running mean unnamed": net({
    nodes: [own("X", "a", [], []), own("a", "Y", ["", "rv"], [int("training_mode", 1)])],
  }),
  "operator set 9, training, two of five outputs unnamed": net({
    opset: 9,
    ir: 4,
    nodes: [own("X", "Y", ["m", "v", "", ""], [])],
  }),
  "operator set 9, training before inference with the same parameters": net({
    opset: 9,
    ir: 4,
    nodes: [own("X", "Y", ["m", "v", "sm", "sv"], []), own("Y", "Z")],
    outputs: [open("Z")],
  }),
  "operator set 7, training beside inference with the same parameters": net({
    opset: 7,
    ir: 4,
    nodes: [own("X", "t", ["m", "v", "sm", "sv"], []), own("X", "Y")],
  }),
  "operator set 6, is_test 0 and one output": net({
    opset: 6,
    ir: 3,
    nodes: [own("X", "t", [], [int("is_test", 0)]), old("X", "Y")],
  }),
  "training in a branch, outputs unnamed": net({
    nodes: [
      branch(
        "c0",
        "Y",
        [own("X", "t", ["", ""], [int("training_mode", 1)])],
        "t",
        [node("Neg", "", ["X"], ["q"])],
        "q",
      ),
    ],
    weights: [boolTensor("c0", true)],
  }),
  "training in a function, outputs unnamed": net({
    imports: LOCAL,
    nodes: [call("g", ["X", ...P], ["Y"])],
    functions: [
      local(
        "g",
        ["x", "s", "b", "m", "v"],
        ["y"],
        [node("BatchNormalization", "b", ["x", "s", "b", "m", "v"], ["y", "", ""], [int("training_mode", 1)])],
      ),
    ],
  }),
  "Dropout in training, mask unnamed": net({
    nodes: [node("Dropout", "d", ["X", "r", "tm"], ["c", ""]), norm("c", "Y")],
    weights: [floats("r", [], 0), boolTensor("tm", true)],
  }),
  "LayerNormalization, two outputs unnamed": net({
    opset: 17,
    nodes: [node("LayerNormalization", "l", ["X", "s1"], ["Y", "", ""])],
    weights: [ramp("s1", [4])],
  }),
  "MaxPool before, indices unnamed": net({
    nodes: [node("MaxPool", "d", ["X"], ["c", ""], [ints("kernel_shape", [2, 2])]), norm("c", "Y")],
  }),
  "LSTM before, two outputs unnamed": net({
    nodes: [
      node("LSTM", "g", ["S", "W", "R"], ["", "h", ""], [int("hidden_size", 3)]),
      node("Squeeze", "q", ["h", "ax"], ["c"]),
      norm("c", "Y"),
    ],
    weights: [ramp("W", [1, 12, 4]), ramp("R", [1, 12, 3]), intTensor("ax", [0])],
    inputs: [valueInfo("S", 1, [5, 2, 4])],
  }),
  "training on one value per channel": net({
    nodes: [own("X", "Y", ["rm", "rv"], [int("training_mode", 1)])],
    inputs: [valueInfo("X", 1, [1, 3, 1, 1])],
  }),
  "training, momentum 0": net({
    nodes: [own("X", "Y", ["rm", "rv"], [int("training_mode", 1), float("momentum", 0)])],
  }),
  "training in float64": net({
    nodes: [own("X", "Y", ["rm", "rv"], [int("training_mode", 1)])],
    inputs: [valueInfo("X", 11, [2, 3, 4])],
    weights: [
      doubles("scale", [3], 1, 2, 3),
      doubles("B", [3], 1, 2, 3),
      doubles("mean", [3], 1, 2, 3),
      doubles("var", [3], 1, 2, 3),
    ],
    outputs: [open("Y", 11)],
  }),
  "training_mode in operator set 9": net({ opset: 9, ir: 4, nodes: [norm("X", "Y", [int("training_mode", 0)])] }),
  "is_test in operator set 15": net({ nodes: [norm("X", "Y", [int("is_test", 1)])] }),
  "consumed_inputs in operator set 9": net({
    opset: 9,
    ir: 4,
    nodes: [norm("X", "Y", [ints("consumed_inputs", [0, 0, 0, 1, 1])])],
  }),
  "spatial in operator set 15": net({ nodes: [norm("X", "Y", [int("spatial", 1)])] }),
  "inference with five outputs": net({ nodes: [own("X", "Y", ["m", "v", "sm", "sv"])] }),
  "inference with three outputs, which are read": net({
    nodes: [own("X", "Y", ["m", "v"]), node("Add", "", ["m", "v"], ["q"]), norm("Y", "Z")],
    outputs: [open("Z"), open("q")],
  }),
  "spatial 0, a parameter per position": net({
    opset: 7,
    ir: 3,
    nodes: [norm("X", "Y", [int("spatial", 0)])],
    weights: [
      ramp("scale", [3, 4, 4]),
      ramp("B", [3, 4, 4]),
      ramp("mean", [3, 4, 4]),
      floats("var", [3, 4, 4], ...Array(48).fill(1.5)),
    ],
  }),
  "spatial 0, X of [N, C]": net({
    opset: 7,
    ir: 3,
    nodes: [norm("X", "Y", [int("spatial", 0)])],
    inputs: [valueInfo("X", 1, [5, 3])],
  }),
};
