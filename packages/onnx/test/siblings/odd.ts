import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  TensorProtoSchema,
  TrainingInfoProtoSchema,
} from "onnx-buf";
import {
  floatAttribute as float,
  intAttribute as int,
  intsAttribute as ints,
  intTensor,
  nodeOf as node,
  valueInfo,
} from "../../src/graph/encode.ts";
import { boolTensor, call, constant, floats, LOCAL, local, net, norm, open, parameter, ramp } from "./net.ts";
import { branch, own, P } from "./parts.ts";

type Graph = GraphProto;

/** A model, changed by hand. */
function edited(bytes: Uint8Array, change: (graph: Graph, model: ModelProto) => void): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes);
  change(model.graph as Graph, model);
  return toBinary(ModelProtoSchema, model);
}

/** The same without initialisers of these names: nodes give them. */
const without = (bytes: Uint8Array, ...names: string[]) =>
  edited(bytes, (graph) => {
    graph.initializer = graph.initializer.filter(({ name }) => !names.includes(name));
  });

/** The mean as raw bytes of another element type, behind a Cast. */
const castMean = (opset: number, dataType: number, bytes: readonly number[]) =>
  without(
    net({
      ...{ opset, ir: 10 },
      nodes: [node("Cast", "", ["narrow"], ["mean"], [int("to", 1)]), norm("X", "Y")],
      weights: [create(TensorProtoSchema, { name: "narrow", dataType, dims: [3n], rawData: new Uint8Array(bytes) })],
    }),
    "mean",
  );

const conv = (x: string, y: string) => node("Conv", `conv_${y}`, [x, "w"], [y], [ints("pads", [1, 1, 1, 1])]);
const behindConv = () => net({ nodes: [conv("X", "h"), norm("h", "Y")], weights: [ramp("w", [3, 3, 3, 3])] });
const training = (momentum: number, more: Partial<Parameters<typeof net>[0]> = {}) =>
  net({
    nodes: [own("X", "Y", ["a", "b"], [int("training_mode", 1), float("momentum", momentum)])],
    outputs: [open("Y"), open("a"), open("b")],
    ...more,
  });
const layer = (axis: number) =>
  net({
    opset: 17,
    nodes: [node("LayerNormalization", "l", ["X", "g"], ["Y"], [int("axis", axis)])],
    weights: [ramp("g", [4])],
  });

/** Valid models that few exporters write. Every normalization in these models is compared. */
export const ODD: Readonly<Record<string, Uint8Array>> = {
  "weights as float_data": edited(net({ nodes: [norm("X", "Y")] }), (graph) => {
    graph.initializer = graph.initializer.map(({ name, dims, dataType, rawData }) =>
      create(TensorProtoSchema, { name, dims, dataType, floatData: [...new Float32Array(rawData.slice().buffer)] }),
    );
  }),
  "IR version 1, attributes without types": edited(
    net({
      ir: 1,
      imports: [],
      nodes: [norm("X", "Y", [float("epsilon", 0.25), int("is_test", 1), int("spatial", 1)])],
    }),
    (graph) => {
      for (const attribute of graph.node[0]?.attribute ?? []) attribute.type = 0;
    },
  ),
  "mean of float8, cast": castMean(19, 17, [0x38, 0xb8, 0x40]),
  "mean of int4, cast": castMean(21, 22, [0x21, 0x0f]),
  "one channel": net({
    nodes: [norm("X", "Y")],
    inputs: [valueInfo("X", 1, [2, 1, 4, 4])],
    weights: P.map((name) => floats(name, [1], 1.5)),
  }),
  "a normalization in training_info": edited(behindConv(), (_, model) => {
    const algorithm = { name: "t", node: [norm("Z", "Q")], initializer: [ramp("scale", [5])] };
    model.trainingInfo = [create(TrainingInfoProtoSchema, { algorithm })];
  }),
  "value_info of another shape": edited(behindConv(), (graph) => {
    graph.valueInfo = [valueInfo("h", 1, [1, 9, 2, 2])];
  }),
  "parameters named as the channels of X": net({
    nodes: [norm("X", "Y")],
    inputs: [valueInfo("X", 1, ["N", "C", 4, 4]), ...P.map((name) => valueInfo(name, 1, ["C"]))],
  }),
  "a branch that shadows a name of a later node": net({
    nodes: [
      branch("c", "t", [node("Neg", "", ["X"], ["h"]), norm("h", "u")], "u", [node("Neg", "", ["X"], ["v"])], "v"),
      node("Abs", "", ["t"], ["h"]),
      norm("h", "Y"),
    ],
    weights: [boolTensor("c", true)],
  }),
  "an If whose output nobody reads": net({
    nodes: [branch("c", "dead", [norm("X", "u")], "u", [node("Neg", "", ["X"], ["v"])], "v"), norm("X", "Y")],
    weights: [boolTensor("c", true)],
  }),
  "an optional value unwrapped before": net({
    opset: 18,
    nodes: [node("Optional", "", ["X"], ["o"]), node("OptionalGetElement", "", ["o"], ["h"]), norm("h", "Y")],
  }),
  "nodes out of order": net({ nodes: [norm("h", "Y"), node("Abs", "", ["X"], ["h"])] }),
  "an initialiser twice": edited(net({ nodes: [norm("X", "Y")] }), (graph) => {
    graph.initializer.push(floats("mean", [3], 7, 7, 7));
  }),
  "training_mode 1 with one output": net({
    nodes: [own("X", "h", [], [int("training_mode", 1)]), norm("h", "Y")],
  }),
  "parameters from Slice, Gather and ConstantOfShape": without(
    net({
      nodes: [
        node("ConstantOfShape", "", ["three"], ["zero"]),
        node("Add", "", ["zero", "one"], ["var"]),
        node("Slice", "", ["table", "from", "to"], ["mean"]),
        node("Gather", "", ["table", "places"], ["B"]),
        norm("X", "Y"),
      ],
      weights: [
        intTensor("three", [3]),
        floats("one", [1], 1),
        ramp("table", [5]),
        intTensor("from", [1]),
        intTensor("to", [4]),
        intTensor("places", [4, 0, 2]),
      ],
    }),
    ...["mean", "var", "B"],
  ),
  "a function without inputs gives the statistics": without(
    net({
      imports: LOCAL,
      nodes: [call("stats", [], ["mean", "var"]), norm("X", "Y")],
      functions: [local("stats", [], ["m", "v"], [constant("m", parameter(2)), constant("v", parameter(3))])],
    }),
    ...["mean", "var"],
  ),
  "random numbers before, without a seed": net({
    nodes: [node("RandomNormalLike", "", ["X"], ["h"]), norm("h", "a"), norm("a", "Y")],
  }),
  "random numbers before a tensor of 32 MiB": net({
    nodes: [node("RandomNormalLike", "", ["X"], ["h"]), norm("h", "Y")],
    inputs: [valueInfo("X", 1, [1, 3, 1672, 1672])],
  }),
  "a size that the data decide": net({
    nodes: [
      node("NonZero", "", ["X"], ["places"]),
      node("Cast", "", ["places"], ["numbers"], [int("to", 1)]),
      node("Transpose", "", ["numbers"], ["t"]),
      node("Slice", "", ["t", "from", "to", "axes"], ["h"]),
      norm("h", "Y"),
    ],
    weights: [intTensor("from", [0]), intTensor("to", [3]), intTensor("axes", [1])],
  }),
};

/** Models that are refused, or of which not all is compared: statuses or an error code, and the text. */
export const REFUSED: Readonly<Record<string, readonly [bytes: Uint8Array, statuses: string, what: RegExp]>> = {
  "a tensor that two nodes give": [
    net({ nodes: [norm("X", "Y"), node("Neg", "", ["X"], ["Y"])] }),
    "ERR_BN_DATA",
    /its output, tensor "Y", is defined twice, by BatchNormalization "bn_Y" and by Neg #1/,
  ],
  "a mean that the file and a node give": [
    net({ nodes: [node("Abs", "", ["B"], ["mean"]), norm("X", "h"), own("X", "Y")] }),
    "ERR_BN_DATA",
    /mean, tensor "mean", is defined twice, by an initialiser and by Abs #0/,
  ],
  "a tensor before that two nodes give": [
    net({
      nodes: [
        node("Abs", "", ["X"], ["h"]),
        node("Neg", "", ["X"], ["h"]),
        node("Exp", "", ["h"], ["i"]),
        norm("i", "Y"),
      ],
    }),
    "ERR_BN_DATA",
    /tensor "h" is defined twice, by Abs #0 .* and by Neg #1/,
  ],
  "epsilon twice": [
    net({ nodes: [norm("X", "Y", [float("epsilon", 0.5), float("epsilon", 0.1)])] }),
    "ERR_BN_DATA",
    /attribute epsilon is given twice/,
  ],
  "LayerNormalization, axis out of range": [layer(-5), "skipped", /axis is -5, expected -4 to 3/],
  "GroupNormalization without num_groups": [
    net({ opset: 21, ir: 10, nodes: [node("GroupNormalization", "g", ["X", "scale", "B"], ["Y"])] }),
    "skipped",
    /num_groups is not given/,
  ],
  "scale alone does not fit": [
    net({ nodes: [norm("X", "Y")], weights: [ramp("scale", [4])] }),
    "ERR_BN_DATA",
    /scale, tensor "scale", has shape \[4\], expected \[3\] as B, mean and var/,
  ],
  "training, momentum 1": [training(1), "passed", /running statistics are not compared: momentum is 1/],
  "training, momentum 2": [training(2), "passed", /running statistics are not compared: momentum is 2/],
  "training, a running mean that is NaN": [
    training(0.9, { weights: [floats("mean", [3], Number.NaN, 0, 0)] }),
    "skipped",
    /^$/,
  ],
  "an input of float8": [
    net({
      ...{ opset: 19, ir: 9 },
      nodes: [node("Cast", "", ["X"], ["h"], [int("to", 1)]), norm("h", "Y")],
      inputs: [valueInfo("X", 17, [1, 3, 4, 4])],
    }),
    "ERR_BN_DATA",
    /input "X" is of element type 17, expected a tensor of numbers/,
  ],
  "RMSNormalization alone": [
    net({ opset: 23, ir: 11, nodes: [node("RMSNormalization", "r", ["X", "g"], ["Y"])], weights: [ramp("g", [4])] }),
    "ERR_BN_DATA",
    /no InstanceNormalization, GroupNormalization or LayerNormalization/,
  ],
  "epsilon as a whole number": [
    net({ nodes: [norm("X", "Y", [int("epsilon", 1)])] }),
    "ERR_BN_DATA",
    /attribute epsilon is of type 2, expected a float/,
  ],
};
