import {
  floatAttribute as float,
  intAttribute as int,
  intsAttribute as ints,
  nodeOf as node,
  valueInfo,
} from "../../src/graph/encode.ts";
import { constant, floats, net, norm, old, ramp, stringAttribute as text } from "./net.ts";

/**
 * Forms of operators that exist in operator sets 1 to 6 but not in 7, each before a BatchNormalization. All are
 * compared.
 */
export const OLD_FORMS: Readonly<Record<string, Uint8Array>> = {
  "Split-1, lengths from a Constant": net({
    opset: 1,
    ir: 3,
    nodes: [
      constant("len", floats("", [2], 1, 2)),
      node("Split", "s", ["X", "len"], ["a", "b"], [int("axis", 1)]),
      node("Concat", "c", ["a", "b"], ["c"], [int("axis", 1)]),
      old("c", "Y"),
    ],
  }),
  "Split-1, lengths stored, Concat without an axis": net({
    opset: 1,
    ir: 3,
    nodes: [
      node("Split", "s", ["X", "len"], ["a", "b"], [int("axis", 1)]),
      node("Concat", "c", ["b", "a"], ["c"]),
      old("c", "Y"),
    ],
    weights: [floats("len", [2], 1, 2)],
  }),
  "Tile-1, both from Constants": net({
    opset: 1,
    ir: 3,
    nodes: [
      constant("t", floats("", [], 2)),
      constant("a", floats("", [], 2)),
      node("Tile", "t", ["X", "t", "a"], ["c"]),
      old("c", "Y"),
    ],
  }),
  "Tile-1, both stored, from the last axis": net({
    opset: 1,
    ir: 3,
    nodes: [node("Tile", "t", ["X", "t", "a"], ["c"]), old("c", "Y")],
    weights: [floats("t", [1], 2), floats("a", [1], -1)],
  }),
  "Selu-1 without alpha and gamma": net({
    opset: 1,
    ir: 3,
    nodes: [node("Selu", "t", ["X"], ["c"], [ints("consumed_inputs", [0])]), old("c", "Y")],
  }),
  "GlobalLpPool-1, p a float": net({
    opset: 1,
    ir: 3,
    nodes: [node("GlobalLpPool", "t", ["X"], ["c"], [float("p", 3)]), old("c", "Y")],
  }),
  "LpPool-1, p a float": net({
    opset: 1,
    ir: 3,
    nodes: [node("LpPool", "t", ["X"], ["c"], [float("p", 3), ints("kernel_shape", [2, 2])]), old("c", "Y")],
  }),
  "LpNormalization-1": net({
    opset: 1,
    ir: 3,
    nodes: [node("LpNormalization", "t", ["X"], ["c"], [int("p", 2), int("axis", 1)]), old("c", "Y")],
  }),
  "Pad-1, paddings": net({
    opset: 1,
    ir: 3,
    nodes: [node("Pad", "t", ["X"], ["c"], [ints("paddings", [0, 0, 1, 1, 0, 0, 1, 1])]), old("c", "Y")],
  }),
  "Cast-1, types by name": net({
    opset: 1,
    ir: 3,
    nodes: [
      node("Cast", "t", ["X"], ["a"], [text("to", "DOUBLE")]),
      node("Cast", "u", ["a"], ["c"], [text("to", "float")]),
      old("c", "Y"),
    ],
  }),
  "Dropout-1, is_test": net({
    opset: 1,
    ir: 3,
    nodes: [node("Dropout", "t", ["X"], ["c", "m"], [int("is_test", 1), float("ratio", 0.5)]), old("c", "Y")],
  }),
  "Clip-1, Elu-1, LeakyRelu-1, consumed_inputs": net({
    opset: 1,
    ir: 3,
    nodes: [
      node("Clip", "t", ["X"], ["a"], [float("min", -1), float("max", 1), ints("consumed_inputs", [0])]),
      node("Elu", "e", ["a"], ["b"], [float("alpha", 1)]),
      node("LeakyRelu", "l", ["b"], ["c"]),
      old("c", "Y"),
    ],
  }),
  "Upsample-1, two scales": net({
    opset: 1,
    ir: 3,
    nodes: [
      node("Upsample", "t", ["X"], ["c"], [float("height_scale", 2), float("width_scale", 2), text("mode", "nearest")]),
      old("c", "Y"),
    ],
  }),
  "Gemm-1, broadcast": net({
    opset: 1,
    ir: 3,
    nodes: [
      node("Flatten", "fl", ["X"], ["x"]),
      node("Gemm", "t", ["x", "w", "b"], ["c"], [int("broadcast", 1)]),
      old("c", "Y"),
    ],
    weights: [ramp("w", [48, 3]), ramp("b", [3])],
  }),
  "Gemm-6, C of one value": net({
    opset: 6,
    ir: 3,
    nodes: [
      node("Flatten", "fl", ["X"], ["x"]),
      node("Gemm", "t", ["x", "w", "b"], ["c"], [int("broadcast", 1)]),
      old("c", "Y"),
    ],
    weights: [ramp("w", [48, 3]), ramp("b", [1])],
  }),
  "MatMul-1": net({
    opset: 1,
    ir: 3,
    nodes: [node("MatMul", "t", ["X", "w"], ["c"]), old("c", "Y")],
    weights: [ramp("w", [4, 4])],
  }),
  "Max-1 and Sum-1": net({
    opset: 1,
    ir: 3,
    nodes: [
      node("Max", "t", ["X", "X"], ["a"], [ints("consumed_inputs", [0, 0])]),
      node("Sum", "s", ["a", "X"], ["c"]),
      old("c", "Y"),
    ],
  }),
  "Reshape-1, shape an attribute": net({
    opset: 1,
    ir: 3,
    nodes: [node("Reshape", "t", ["X"], ["a"], [ints("shape", [0, 3, -1])]), old("a", "Y")],
  }),
  "InstanceNormalization-1": net({
    opset: 1,
    ir: 3,
    nodes: [
      node(
        "InstanceNormalization",
        "t",
        ["X", "scale", "B"],
        ["c"],
        [float("epsilon", 1e-3), ints("consumed_inputs", [0, 0, 0])],
      ),
      old("c", "Y"),
    ],
  }),
  "HardSigmoid-1 and Softmax-1": net({
    opset: 1,
    ir: 3,
    nodes: [node("HardSigmoid", "t", ["X"], ["a"]), node("Softmax", "s", ["a"], ["c"]), old("c", "Y")],
  }),
  "Greater by axis": net({
    opset: 6,
    ir: 3,
    nodes: [
      node("Greater", "t", ["X", "k"], ["a"], [int("broadcast", 1), int("axis", 1)]),
      node("Cast", "u", ["a"], ["c"], [int("to", 1)]),
      old("c", "Y"),
    ],
    weights: [floats("k", [3], 0, 1, 2)],
  }),
  "Mul by axis with a Constant": net({
    opset: 6,
    ir: 3,
    nodes: [
      constant("k", floats("", [3], 1, 2, 1)),
      node("Mul", "t", ["X", "k"], ["c"], [int("broadcast", 1), int("axis", 1)]),
      old("c", "Y"),
    ],
  }),
  "PRelu-6, slope a Constant": net({
    opset: 6,
    ir: 3,
    nodes: [constant("k", floats("", [3], 1, 2, 1)), node("PRelu", "t", ["X", "k"], ["c"]), old("c", "Y")],
  }),
  "GRU-3, output_sequence": net({
    opset: 3,
    ir: 3,
    nodes: [
      node("GRU", "g", ["S", "W", "R"], ["g"], [int("hidden_size", 3), int("output_sequence", 1)]),
      node("Squeeze", "q", ["g"], ["c"], [ints("axes", [1])]),
      node("Transpose", "tr", ["c"], ["d"], [ints("perm", [1, 2, 0])]),
      old("d", "Y"),
    ],
    weights: [ramp("W", [1, 9, 4]), ramp("R", [1, 9, 3])],
    inputs: [valueInfo("S", 1, [5, 2, 4])],
  }),
  "RNN-1, output_sequence": net({
    opset: 1,
    ir: 3,
    nodes: [
      node("RNN", "g", ["S", "W", "R"], ["g"], [int("hidden_size", 3), int("output_sequence", 1)]),
      node("Squeeze", "q", ["g"], ["c"], [ints("axes", [1])]),
      node("Transpose", "tr", ["c"], ["d"], [ints("perm", [1, 2, 0])]),
      old("d", "Y"),
    ],
    weights: [ramp("W", [1, 3, 4]), ramp("R", [1, 3, 3])],
    inputs: [valueInfo("S", 1, [5, 2, 4])],
  }),
  "LSTM-1 without its first output": net({
    opset: 1,
    ir: 3,
    nodes: [
      node("LSTM", "g", ["S", "W", "R"], ["", "h"], [int("hidden_size", 3), int("output_sequence", 0)]),
      node("Squeeze", "q", ["h"], ["c"], [ints("axes", [0])]),
      old("c", "Y"),
    ],
    weights: [ramp("W", [1, 12, 4]), ramp("R", [1, 12, 3])],
    inputs: [valueInfo("S", 1, [5, 2, 4])],
  }),
  "GRU-1 without its first output": net({
    opset: 1,
    ir: 3,
    nodes: [
      node("GRU", "g", ["S", "W", "R"], ["", "h"], [int("hidden_size", 3)]),
      node("Squeeze", "q", ["h"], ["c"], [ints("axes", [0])]),
      old("c", "Y"),
    ],
    weights: [ramp("W", [1, 9, 4]), ramp("R", [1, 9, 3])],
    inputs: [valueInfo("S", 1, [5, 2, 4])],
  }),
  "MeanVarianceNormalization behind": net({
    opset: 1,
    ir: 3,
    nodes: [
      old("X", "a"),
      node("MeanVarianceNormalization", "t", ["a"], ["c"], [int("across_channels", 0)]),
      old("c", "Y"),
    ],
  }),
  "spatial 1 and consumed_inputs of five": net({
    opset: 6,
    ir: 3,
    nodes: [norm("X", "Y", [int("is_test", 1), int("spatial", 1), ints("consumed_inputs", [0, 0, 0, 1, 1])])],
  }),
};
