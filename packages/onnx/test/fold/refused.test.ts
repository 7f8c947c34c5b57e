import { create } from "@bufbuild/protobuf";
import { GraphProtoSchema, type NodeProto, type TensorProto, TensorProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { packNumbers, roundTo } from "../../src/graph/float-types.ts";
import { type FoldOptions, type FoldRow, foldModel } from "../../src/index.ts";
import { intAttribute, intsAttribute, netOf, nodeOf, normOf, operators, randoms, tensorOf, valuesOf } from "./net.ts";

const r = randoms(3);
const w = tensorOf("w", [4, 3, 3, 3], r(108));
const bn = normOf("bn", 4, 5);
const first = normOf("first", 3, 8);
const conv = (x: string, y: string, weights = "w") => nodeOf("Conv", "c", [x, weights], [y]);

interface Refusal {
  readonly what: string;
  readonly why: RegExp;
  readonly nodes: readonly NodeProto[];
  readonly tensors: readonly TensorProto[];
  readonly outputs?: readonly string[];
}

function training(): NodeProto {
  const node = bn.node("z", "y");
  node.attribute.push(intAttribute("training_mode", 1));
  node.output.push("m", "v");
  return node;
}

function capturing(name: string): NodeProto {
  const branch = create(GraphProtoSchema, { name: "b", node: [nodeOf("Identity", "inner", [name], ["inside"])] });
  const node = nodeOf("If", "choice", ["flag"], ["chosen"]);
  node.attribute.push({ ...intAttribute("then_branch", 0), type: 5, g: branch });
  return node;
}

const spoilt = (name: string, values: readonly number[]) =>
  bn.tensors.map((tensor) => (tensor.name === name ? tensorOf(name, [4], Float32Array.from(values)) : tensor));

const REFUSALS: readonly Refusal[] = [
  {
    what: "the layer's output is an output of the graph",
    why: /tensor "z" between them is an output of the graph/,
    nodes: [conv("x", "z"), bn.node("z", "y")],
    tensors: [w, ...bn.tensors],
    outputs: ["y", "z"],
  },
  {
    what: "the layer's output is read elsewhere",
    why: /tensor "z" between them is also read elsewhere/,
    nodes: [conv("x", "z"), bn.node("z", "v"), nodeOf("Add", "skip", ["v", "z"], ["y"])],
    tensors: [w, ...bn.tensors],
  },
  {
    what: "the layer's output is read inside of a subgraph",
    why: /tensor "z" between them is read inside a subgraph/,
    nodes: [conv("x", "z"), bn.node("z", "y"), capturing("z")],
    tensors: [w, ...bn.tensors],
  },
  {
    what: "weights that another node reads",
    why: /tensor "w", are also read elsewhere; --duplicate/,
    nodes: [conv("x", "z"), bn.node("z", "y"), conv("x", "other")],
    tensors: [w, ...bn.tensors],
    outputs: ["y", "other"],
  },
  {
    what: "training mode",
    why: /it is in training mode/,
    nodes: [conv("x", "z"), training()],
    tensors: [w, ...bn.tensors],
  },
  {
    what: "quantised weights",
    why: /the weights of Conv "c" are not in the file: tensor "wq" is computed, by DequantizeLinear/,
    nodes: [nodeOf("DequantizeLinear", "q", ["w8", "s"], ["wq"]), conv("x", "z", "wq"), bn.node("z", "y")],
    tensors: [w, ...bn.tensors],
  },
  {
    what: "something else between",
    why: /Relu "r" stands between/,
    nodes: [conv("x", "z"), nodeOf("Relu", "r", ["z"], ["v"]), bn.node("v", "y")],
    tensors: [w, ...bn.tensors],
  },
  {
    what: "a convolution behind that pads",
    why: /Conv "c" pads with zeros/,
    nodes: [first.node("x", "z"), nodeOf("Conv", "c", ["z", "w"], ["y"], [intsAttribute("pads", [1, 1, 1, 1])])],
    tensors: [w, ...first.tensors],
  },
  {
    what: "a mean that is NaN",
    why: /mean of channel 2 is NaN/,
    nodes: [conv("x", "z"), bn.node("z", "y")],
    tensors: [w, ...spoilt("bn.mean", [0, 1, Number.NaN, 2])],
  },
  {
    what: "a negative variance",
    why: /gamma \/ sqrt\(variance \+ epsilon\) of channel 0 is NaN/,
    nodes: [conv("x", "z"), bn.node("z", "y")],
    tensors: [w, ...spoilt("bn.var", [-1, 1, 1, 1])],
  },
  {
    what: "folded weights beyond float32",
    why: /its folded value \d+, -?\d\S*e\+\d+, is beyond the range of its type/,
    nodes: [conv("x", "z"), bn.node("z", "y")],
    tensors: [tensorOf("w", [4, 3, 3, 3], r(108, 1e38)), ...spoilt("bn.scale", [1e30, 1, 1, 1])],
  },
  {
    what: "a Reshape that moves channels",
    why: /Reshape "s" between them may move channels/,
    nodes: [conv("x", "z"), nodeOf("Reshape", "s", ["z", "shape"], ["v"]), bn.node("v", "y")],
    tensors: [
      w,
      ...bn.tensors,
      create(TensorProtoSchema, { name: "shape", dataType: 7, dims: [3n], int64Data: [-1n, 4n, 3n] }),
    ],
  },
];

async function foldOf({ nodes, tensors, outputs = ["y"] }: Refusal, options: FoldOptions = {}) {
  const bytes = netOf({ input: [2, 3, 6, 5], nodes, tensors, outputs });
  const { bytes: folded, rows } = await foldModel(bytes, options);
  return { bytes, folded, row: rows[0] as FoldRow, rows };
}

describe("left as it was, with the reason", () => {
  it.each(REFUSALS)("$what", async (refusal) => {
    const { bytes, folded, row } = await foldOf(refusal);
    expect(row).toMatchObject({ status: "left", into: "", reason: expect.stringMatching(refusal.why) });
    expect(operators(folded)).toEqual(operators(bytes));
    for (const { name, dataType } of refusal.tensors) {
      if (dataType === 1) expect(valuesOf(folded, name)).toEqual(valuesOf(bytes, name));
    }
  });

  it("a channel that would lose more digits than allowed", async () => {
    const nodes = [conv("x", "z"), bn.node("z", "y")];
    const tensors = [w, ...spoilt("bn.mean", [0, 1e4, 0, 0])];
    const one = { what: "", why: /./, nodes, tensors };
    const { row } = await foldOf(one, { maxLostDigits: 3 });
    expect(row.reason).toMatch(/channel 1 could lose [34]\.\d digits, more than 3/);
    expect((await foldOf(one)).row).toMatchObject({ status: "folded", worstChannel: 1 });
  });
});

it("copies shared weights where asked to, and leaves the other reader's", async () => {
  const shared = REFUSALS[3] as Refusal;
  const { folded, row } = await foldOf(shared, { duplicate: true });
  expect(row.status).toBe("folded");
  expect(valuesOf(folded, "w")).toEqual(Array.from(valuesOf(netOf({ input: [1], nodes: [], tensors: [w] }), "w")));
  expect(valuesOf(folded, "w_folded")).not.toEqual(valuesOf(folded, "w"));
});

it("folds before a padded convolution where zeros stay zeros", async () => {
  const zero = first.tensors.map((tensor) =>
    /bias|mean/.test(tensor.name) ? tensorOf(tensor.name, [3], new Float32Array(3)) : tensor,
  );
  const nodes = [first.node("x", "z"), nodeOf("Conv", "c", ["z", "w"], ["y"], [intsAttribute("pads", [1, 1, 1, 1])])];
  const { row } = await foldOf({ what: "", why: /./, nodes, tensors: [w, ...zero] });
  expect(row).toMatchObject({ status: "folded", side: "before" });
});

describe("narrow types", () => {
  it.each([
    [10, 1 + 2 ** -11, 1],
    [10, 1 + 3 * 2 ** -11, 1 + 2 ** -9],
    [10, 65519.9, 65504],
    [10, 65520, Number.POSITIVE_INFINITY],
    [10, 2 ** -25, 0],
    [10, 2 ** -25 + 2 ** -40, 2 ** -24],
    [10, -(2 ** -14) * (1 - 2 ** -11), -(2 ** -14)],
    [16, 1 + 2 ** -8, 1],
    [16, 1 + 3 * 2 ** -8, 1 + 2 ** -6],
    [16, 3.4e38, Number.POSITIVE_INFINITY],
    [16, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
    [16, 2 ** -134, 0],
    [16, 2 ** -133, 2 ** -133],
  ])("type %i rounds %d to %d, once and to even", (type, value, rounded) => {
    expect(roundTo(type, Float64Array.of(value))?.[0]).toBe(rounded);
  });

  it("pack every float16 and bfloat16 back to its bits", () => {
    for (const type of [10, 16]) {
      for (let bits = 0; bits < 65536; bits += 7) {
        const tensor = create(TensorProtoSchema, {
          name: "t",
          dataType: type,
          dims: [1n],
          rawData: Uint8Array.of(bits & 255, bits >> 8),
        });
        const [value] = valuesOf(netOf({ input: [1], nodes: [], tensors: [tensor] }), "t");
        if (Number.isNaN(value)) continue;
        expect(Array.from(packNumbers(type, [value as number]))).toEqual([bits & 255, bits >> 8]);
      }
    }
  });
});
