import type { NodeProto } from "onnx-buf";
import {
  floatAttribute as float,
  floatsAttribute as floatsA,
  intAttribute as int,
  intsAttribute as ints,
  intTensor,
  nodeOf as node,
} from "../../src/graph/encode.ts";
import { constant, floats, net, old, ramp, stringAttribute as text } from "./net.ts";

/** Operators of set 1, from X to c, including experimental ones. */
const FORMS: readonly (readonly [name: string, nodes: readonly NodeProto[]])[] = [
  ["Affine-1", [node("Affine", "t", ["X"], ["c"], [float("alpha", 2), float("beta", 1)])]],
  ["ImageScaler-1", [node("ImageScaler", "t", ["X"], ["c"], [float("scale", 2), floatsA("bias", [1, 2, 3])])]],
  ["ParametricSoftplus-1", [node("ParametricSoftplus", "t", ["X"], ["c"], [float("alpha", 2), float("beta", 0.5)])]],
  ["ScaledTanh-1", [node("ScaledTanh", "t", ["X"], ["c"], [float("alpha", 2), float("beta", 0.5)])]],
  ["ThresholdedRelu-1", [node("ThresholdedRelu", "t", ["X"], ["c"], [float("alpha", 0.1)])]],
  ["Crop-1", [node("Crop", "t", ["X"], ["c"], [ints("border", [1, 0, 1, 0])])]],
  ["Scale-1", [node("Scale", "t", ["X"], ["c"], [float("scale", 2)])]],
  [
    "GivenTensorFill-1",
    [node("GivenTensorFill", "t", [], ["c"], [ints("shape", [1, 3, 2]), floatsA("values", [1, 2, 3, 4, 5, 6])])],
  ],
  ["ConstantFill-1", [node("ConstantFill", "t", [], ["c"], [ints("shape", [1, 3, 2]), float("value", 2)])]],
  ["Hardmax-1", [node("Hardmax", "t", ["X"], ["c"])]],
  ["LogSoftmax-1", [node("LogSoftmax", "t", ["X"], ["c"], [int("axis", 1)])]],
  ["ReduceSum-1", [node("ReduceSum", "t", ["X"], ["c"], [ints("axes", [2])])]],
  ["ReduceMax-1 keepdims 0", [node("ReduceMax", "t", ["X"], ["c"], [ints("axes", [3]), int("keepdims", 0)])]],
  [
    "Squeeze-1",
    [
      node("Unsqueeze", "u", ["X"], ["u"], [ints("axes", [0])]),
      node("Squeeze", "t", ["u"], ["c"], [ints("axes", [0])]),
    ],
  ],
  ["Slice-1", [node("Slice", "t", ["X"], ["c"], [ints("starts", [1]), ints("ends", [3]), ints("axes", [2])])]],
  [
    "Split-1 split attribute",
    [
      node("Split", "t", ["X"], ["a", "b"], [int("axis", 2), ints("split", [1, 3])]),
      node("Concat", "c", ["b", "a"], ["c"], [int("axis", 2)]),
    ],
  ],
  [
    "Split-1 neither",
    [node("Split", "t", ["X"], ["a", "b"], [int("axis", 2)]), node("Concat", "c", ["b", "a"], ["c"], [int("axis", 2)])],
  ],
  ["TopK-1", [node("TopK", "t", ["X"], ["c", "i"], [int("k", 2), int("axis", 3)])]],
  [
    "DepthToSpace-1",
    [
      node("SpaceToDepth", "t", ["X"], ["d"], [int("blocksize", 2)]),
      node("DepthToSpace", "u", ["d"], ["c"], [int("blocksize", 2)]),
    ],
  ],
  [
    "Min-1 Mean-1",
    [node("Min", "t", ["X", "X"], ["d"], [ints("consumed_inputs", [0, 0])]), node("Mean", "u", ["d", "X"], ["c"])],
  ],
  [
    "Pow-1 by axis",
    [node("Pow", "t", ["X", "scale"], ["n"], [int("broadcast", 1), int("axis", 1)]), node("Abs", "", ["n"], ["c"])],
  ],
  [
    "Sub-1 by axis 1 of [3,4]",
    [constant("k", ramp("", [3, 4])), node("Sub", "t", ["X", "k"], ["c"], [int("broadcast", 1), int("axis", 1)])],
  ],
  [
    "Div-1 suffix",
    [constant("k", floats("", [4], 1, 2, 3, 4)), node("Div", "t", ["X", "k"], ["c"], [int("broadcast", 1)])],
  ],
  [
    "And",
    [
      node("Greater", "", ["X", "z0"], ["g"], [int("broadcast", 1)]),
      node("And", "", ["g", "g"], ["h"]),
      node("Cast", "", ["h"], ["c"], [text("to", "FLOAT")]),
      constant("z0", floats("", [], 0)),
    ],
  ],
  [
    "GlobalAveragePool etc",
    [
      node("AveragePool", "", ["X"], ["a"], [ints("kernel_shape", [2, 2])]),
      node("Conv", "", ["a", "w"], ["b"]),
      node("ConvTranspose", "", ["b", "w"], ["c"]),
      constant("w", ramp("", [3, 3, 1, 1])),
    ],
  ],
  ["PRelu-1 slope [3,1,1]", [constant("k", ramp("", [3, 1, 1])), node("PRelu", "t", ["X", "k"], ["c"])]],
  ["PRelu-1 slope [1]", [constant("k", ramp("", [1])), node("PRelu", "t", ["X", "k"], ["c"])]],
  ["RandomUniform", [node("RandomUniform", "t", [], ["c"], [ints("shape", [1, 3, 4]), int("dtype", 1)])]],
  ["MeanVarianceNormalization-1", [node("MeanVarianceNormalization", "t", ["X"], ["c"], [int("across_channels", 1)])]],
  ["LRN-1", [node("LRN", "t", ["X"], ["c"], [int("size", 3)])]],
  [
    "Upsample-1 bilinear",
    [
      node(
        "Upsample",
        "t",
        ["X"],
        ["c"],
        [float("height_scale", 2), float("width_scale", 2), text("mode", "bilinear")],
      ),
    ],
  ],
  ["Dropout-1 train", [node("Dropout", "t", ["X"], ["c"], [float("ratio", 0.5)])]],
  [
    "Reshape-1 in two",
    [
      node("Reshape", "t", ["X"], ["a"], [ints("shape", [0, -1])]),
      node("Reshape", "u", ["a"], ["c"], [ints("shape", [1, 3, 4, 4])]),
    ],
  ],
  ["Max-1 one input", [node("Max", "t", ["X"], ["c"])]],
  [
    "Gather Expand",
    [constant("i", intTensor("", [0, 2, 1])), node("Gather", "t", ["X", "i"], ["c"], [int("axis", 1)])],
  ],
  [
    "Cast-1 BOOL",
    [node("Cast", "", ["X"], ["b"], [text("to", "BOOL")]), node("Cast", "", ["b"], ["c"], [text("to", "FLOAT")])],
  ],
  [
    "Tile-1 negative",
    [constant("t", floats("", [1], 3)), constant("a", floats("", [1], 2)), node("Tile", "t", ["X", "t", "a"], ["c"])],
  ],
];

/** Each operator is placed before a BatchNormalization, which is compared. */
export const OLD_OPERATORS: Readonly<Record<string, Uint8Array>> = Object.fromEntries(
  FORMS.map(([name, nodes]) => [name, net({ opset: 1, ir: 3, nodes: [...nodes, old("c", "Y")] })]),
);
