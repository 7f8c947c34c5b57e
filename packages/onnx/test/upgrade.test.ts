import { createCpu } from "@bn/cpu";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { expect, test } from "vitest";
import {
  floatAttribute,
  intAttribute,
  intsAttribute,
  intTensor,
  nodeOf,
  tensorOf,
  valueInfo,
} from "../src/graph/encode.ts";
import { parseModel } from "../src/graph/proto.ts";
import { upgrade } from "../src/graph/upgrade.ts";
import { runModel, verifyModel } from "../src/verify/index.ts";
import { NODE } from "./network.ts";

const SHAPE = [2, 3, 4, 4];
const X = { type: "float32", shape: SHAPE, data: Float32Array.from({ length: 96 }, (_, i) => Math.sin(i) * 2) };
const consumed = (...at: number[]) => intsAttribute("consumed_inputs", at);
const norm = (input: string, output: string, more: AttributeProto[] = []) =>
  nodeOf(
    "BatchNormalization",
    `bn_${output}`,
    [input, "scale", "B", "mean", "var"],
    [output],
    [floatAttribute("epsilon", NODE.epsilon), intAttribute("is_test", 1), ...more],
  );
const strings = (name: string, text: string) =>
  create(AttributeProtoSchema, { name, type: 3, s: new TextEncoder().encode(text) });

/** A network of operator set `opset`, in which X goes through `nodes` to Y. */
function network(opset: number, nodes: NodeProto[], rank = 4): Uint8Array {
  const weights = [
    tensorOf("scale", [3], NODE.scale),
    tensorOf("B", [3], NODE.bias),
    tensorOf("mean", [3], NODE.mean),
    tensorOf("var", [3], NODE.variance),
    tensorOf("perChannel", [3], new Float32Array([2, -1, 0.5])),
    tensorOf(
      "perRow",
      [4, 4],
      Float32Array.from({ length: 16 }, (_, i) => i / 4),
    ),
    intTensor("flat", [2, 48]),
  ];
  const open = create(ValueInfoProtoSchema, {
    name: "Y",
    type: { value: { case: "tensorType", value: { elemType: 1 } } },
  });
  const model = create(ModelProtoSchema, {
    irVersion: 3n,
    opsetImport: [{ domain: "", version: BigInt(opset) }],
    graph: {
      name: "old",
      node: nodes,
      initializer: weights,
      input: [
        valueInfo("X", 1, SHAPE.slice(0, rank)),
        ...weights.map(({ name, dims, dataType }) => valueInfo(name, dataType, dims.map(Number))),
      ],
      output: [open],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

/** The output of the upgraded model for X, as ONNX Runtime computes it. */
async function run(bytes: Uint8Array): Promise<Float32Array> {
  const model = parseModel(bytes);
  expect(upgrade(model).size).toBe(0);
  const once = toBinary(ModelProtoSchema, model);
  upgrade(model);
  expect(toBinary(ModelProtoSchema, model), "twice does no more").toEqual(once);
  const outputs = await runModel(toBinary(ModelProtoSchema, model), { X });
  return outputs.get("Y")?.data as Float32Array;
}
const channelOf = (i: number) => Math.floor(i / 16) % 3;
const PER_CHANNEL = [2, -1, 0.5];

test.each<[string, number, NodeProto[], (x: number, i: number) => number]>([
  [
    "Mul by axis",
    6,
    [nodeOf("Mul", "m", ["X", "perChannel"], ["Y"], [intAttribute("broadcast", 1), intAttribute("axis", 1)])],
    (x, i) => x * (PER_CHANNEL[channelOf(i)] ?? 0),
  ],
  [
    "Add by negative axis",
    6,
    [nodeOf("Add", "a", ["X", "perChannel"], ["Y"], [intAttribute("broadcast", 1), intAttribute("axis", -3)])],
    (x, i) => Math.fround(x + (PER_CHANNEL[channelOf(i)] ?? 0)),
  ],
  [
    "Add by suffix",
    1,
    [nodeOf("Add", "a", ["X", "perRow"], ["Y"], [consumed(0), intAttribute("broadcast", 1)])],
    (x, i) => Math.fround(x + (i % 16) / 4),
  ],
  [
    "Mul by a computed tensor",
    6,
    [
      nodeOf("Neg", "n", ["perChannel"], ["n"]),
      nodeOf("Mul", "m", ["X", "n"], ["Y"], [intAttribute("broadcast", 1), intAttribute("axis", 1)]),
    ],
    (x, i) => -x * (PER_CHANNEL[channelOf(i)] ?? 0),
  ],
  [
    "PRelu by channel",
    6,
    [nodeOf("PRelu", "p", ["X", "perChannel"], ["Y"])],
    (x, i) => (x < 0 ? x * (PER_CHANNEL[channelOf(i)] ?? 0) : x),
  ],
  ["Relu in place", 1, [nodeOf("Relu", "r", ["X"], ["Y"], [consumed(0)])], (x) => Math.max(x, 0)],
  ["Dropout in test", 6, [nodeOf("Dropout", "d", ["X"], ["Y"], [intAttribute("is_test", 1)])], (x) => x],
  [
    "Reshape by attribute",
    1,
    [
      nodeOf("Reshape", "r", ["X"], ["f"], [intsAttribute("shape", [2, 48]), consumed(0)]),
      nodeOf("Reshape", "s", ["f"], ["Y"], [intsAttribute("shape", [2, 3, 4, 4])]),
    ],
    (x) => x,
  ],
  [
    "Reshape by input, then a row",
    6,
    [nodeOf("Reshape", "r", ["X", "flat"], ["f"]), nodeOf("Identity", "i", ["f"], ["Y"])],
    (x) => x,
  ],
  [
    "Cast by name",
    1,
    [
      nodeOf("Cast", "c", ["X"], ["i"], [strings("to", "INT32")]),
      nodeOf("Cast", "d", ["i"], ["Y"], [strings("to", "float")]),
    ],
    (x) => Math.trunc(x) + 0,
  ],
  ["Concat without axis", 1, [nodeOf("Concat", "c", ["X"], ["Y"])], (x) => x],
  [
    "Pad by paddings of nothing",
    1,
    [nodeOf("Pad", "p", ["X"], ["Y"], [intsAttribute("paddings", [0, 0, 0, 0, 0, 0, 0, 0])])],
    (x) => x,
  ],
])("%s (operator set %d)", async (_, opset, nodes, expected) => {
  expect(Array.from(await run(network(opset, nodes)), (y) => y + 0)).toEqual(
    Array.from(X.data, (x, i) => expected(x, i) + 0),
  );
});

test("an old network verifies: two normalizations, a broadcast between them", async () => {
  await using cpu = await createCpu();
  const bytes = network(1, [
    norm("X", "a", [consumed(0, 0, 0, 1, 1)]),
    nodeOf(
      "Mul",
      "m",
      ["a", "perChannel"],
      ["b"],
      [intAttribute("broadcast", 1), intAttribute("axis", 1), consumed(0)],
    ),
    norm("b", "Y"),
  ]);
  const { rows, inputs } = await verifyModel(bytes, [cpu], { feeds: { X } });
  expect(inputs).toEqual([{ name: "X", type: "float32", shape: SHAPE }]);
  expect(rows.map(({ node, backends }) => [node, backends[0]?.status])).toEqual([
    ["bn_a", "passed"],
    ["bn_Y", "passed"],
  ]);
});

test.each<[string, NodeProto[], RegExp]>([
  [
    "a rank that nothing tells",
    [
      nodeOf("NonMaxSuppression", "n", ["X"], ["q"]),
      nodeOf("Mul", "m", ["q", "perChannel"], ["y"], [intAttribute("broadcast", 1), intAttribute("axis", 1)]),
      norm("y", "Y"),
    ],
    /operator set 6, Mul node "m": broadcasts by axis 1, and the model does not contain the rank of "q"/,
  ],
  [
    "a broadcast past the end",
    [
      nodeOf("Mul", "m", ["X", "perRow"], ["y"], [intAttribute("broadcast", 1), intAttribute("axis", 3)]),
      norm("y", "Y"),
    ],
    /broadcasts "perRow" \(2 axes\) from axis 3 of "X" \(4 axes\)/,
  ],
  [
    "an unknown type",
    [nodeOf("Cast", "c", ["X"], ["y"], [strings("to", "QUAD")]), norm("y", "Y")],
    /Cast node "c": casts to "QUAD"/,
  ],
])("%s is refused with the node", async (_, nodes, expected) => {
  await using cpu = await createCpu();
  await expect(verifyModel(network(6, nodes), [cpu])).rejects.toMatchObject({
    code: "ERR_BN_DATA",
    message: expect.stringMatching(expected),
  });
});

test("what another domain defines is left alone", async () => {
  const foreign = nodeOf("Mul", "m", ["X", "perChannel"], ["Y"], [intAttribute("broadcast", 1)]);
  foreign.domain = "com.example";
  const model = parseModel(network(6, [foreign]));
  upgrade(model);
  expect(model.graph.node[0]?.attribute.length).toBe(1);
});
