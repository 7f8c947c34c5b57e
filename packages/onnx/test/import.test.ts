import { createBlob } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { create } from "@bufbuild/protobuf";
import { type ModelProto, type NodeProto, type TensorProto, TensorProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { intAttribute } from "../src/graph/encode.ts";
import { buildModel, createLayer, importModel, OPSETS } from "../src/index.ts";
import { runModel } from "../src/verify/index.ts";
import { altered, NODE, nested, record, setOpset } from "./network.ts";

const X = { type: "float32", shape: [1, 3, 1, 2], data: new Float32Array([0.5, 1.5, -3, 1, 0.25, 0]) };
const only = async (bytes: Uint8Array) => {
  const { layers, diagnostics } = await importModel(bytes);
  expect(layers.length).toBe(1);
  return {
    layer: layers[0] as (typeof layers)[number],
    said: diagnostics.map(({ kind, message }) => `${kind}: ${message}`),
  };
};
const weights = ({ graph }: ModelProto) => graph?.initializer ?? [];

describe("every operator set", () => {
  test.each(OPSETS)("%d, inference: all fields come back, nothing to say", async (opset) => {
    const { layer, said } = await only(buildModel(record(NODE), { opset }));
    expect(layer).toEqual({
      ...record(NODE),
      name: "batch_norm",
      source: { format: "onnx", nodes: ["batch_norm"], where: "" },
    });
    expect(said).toEqual([]);
  });

  test.each(OPSETS)("%d, training: a layer in phase train", async (opset) => {
    const { layer, said } = await only(buildModel(record(NODE), { opset, training: true }));
    expect(layer.phase).toBe("train");
    expect(said).toEqual([expect.stringMatching(/^converted: BatchNormalization "batch_norm": is in training mode/)]);
  });

  test.each([
    [
      6,
      "epsilon is not given: 0.000009999999747378752, momentum is not given: 0.8999999761581421, is_test is not given",
    ],
    [15, "epsilon is not given: 0.000009999999747378752, momentum is not given: 0.8999999761581421"],
  ])("%d without attributes: the operator's defaults, said", async (opset, expected) => {
    const { layer, said } = await only(
      altered((model, node) => {
        setOpset(model, opset);
        node.attribute = [];
      }),
    );
    expect(layer).toMatchObject({ eps: Math.fround(1e-5), movingAverageFraction: Math.fround(0.9), phase: "test" });
    expect(said.map((text) => text.replace(/^assumed: BatchNormalization "batch_norm": /, ""))).toEqual(
      expected.split(", ").map((text) => expect.stringContaining(text)),
    );
  });

  test("spatial = 0: a channel for each position, computed as ONNX Runtime does", async () => {
    const bytes = altered((model, node) => {
      setOpset(model, 7);
      node.attribute.pop(); // training_mode
      node.attribute.push(intAttribute("spatial", 0));
      for (const [i, tensor] of weights(model).entries()) {
        tensor.dims = [3n, 1n, 2n];
        tensor.rawData = new Uint8Array(Float32Array.from({ length: 6 }, (_, c) => 1 + i + c / 4).buffer);
      }
    });
    const { layer, said } = await only(bytes);
    expect(layer.parameterShape).toEqual([3, 1, 2]);
    expect(said).toEqual([
      expect.stringMatching(/spatial is 0: there is one channel per position of \[3,1,2\]; reshape bottom to \[N, 6\]/),
    ]);
    await using cpu = await createCpu();
    const { layer: ours } = createLayer(cpu, layer);
    const [x, y] = [createBlob(cpu, [1, 6]), createBlob(cpu)];
    x.write(X.data);
    ours.setUp([x], [y]);
    ours.forward([x], [y]);
    const theirs = (await runModel(bytes, { X })).get("Y")?.data as Float32Array;
    // O-1 and N-3 with |x| <= 3, |mean| <= 5, r gamma <= 1, |beta| <= 4: at most 200 u
    for (const [i, value] of (await y.read()).entries())
      expect(Math.abs(value - (theirs[i] ?? 0))).toBeLessThan(200 * 2 ** -24);
  });
});

/** The values 1.5, -0.5, 2, a subnormal, an infinity and the largest number, in each encoding. */
const VALUES = [1.5, -0.5, 2];
describe("every way to store weights", () => {
  const stored = (change: (tensor: TensorProto) => void) =>
    altered((model) => {
      const tensor = weights(model)[0] as TensorProto;
      Object.assign(tensor, { rawData: new Uint8Array() });
      change(tensor);
    });
  const raw16 = (bits: number[]) => new Uint8Array(Uint16Array.from(bits).buffer);
  const half = [0x3e00, 0xb800, 0x4000];
  const brain = [0x3fc0, 0xbf00, 0x4000];
  test.each<[string, Partial<TensorProto>]>([
    ["float32 in its field", { floatData: VALUES }],
    ["float32 raw", { rawData: new Uint8Array(Float32Array.from(VALUES).buffer) }],
    ["float64 in its field", { dataType: 11, doubleData: VALUES }],
    ["float64 raw", { dataType: 11, rawData: new Uint8Array(Float64Array.from(VALUES).buffer) }],
    ["float16 in its field", { dataType: 10, int32Data: half }],
    ["float16 raw", { dataType: 10, rawData: raw16(half) }],
    ["bfloat16 in its field", { dataType: 16, int32Data: brain }],
    ["bfloat16 raw", { dataType: 16, rawData: raw16(brain) }],
  ])("%s", async (name, change) => {
    const { layer, said } = await only(stored((tensor) => Object.assign(tensor, change)));
    expect(Array.from(layer.gamma)).toEqual(VALUES);
    expect(layer.dtype).toBe(name.startsWith("float64") ? "float64" : "float32");
    expect(layer.statistics.mean.constructor).toBe(layer.gamma.constructor);
    const expected = {
      float32: [],
      float64: ["the weights have two types"],
      float16: ["float16, and are converted exactly to float32"],
      bfloat16: ["bfloat16, and are converted exactly to float32"],
    };
    const [kind = ""] = name.split(" ");
    expect(said).toEqual(expected[kind as keyof typeof expected].map((text) => expect.stringContaining(text)));
  });

  test.each([
    ["float16", 10, [0x0001, 0x7bff, 0x7c00], [2 ** -24, 65504, Number.POSITIVE_INFINITY]],
    ["bfloat16", 16, [0x0001, 0x7f7f, 0xff80], [2 ** -133, 255 * 2 ** 120, Number.NEGATIVE_INFINITY]],
  ])("%s at its ends", async (_, dataType, int32Data, values) => {
    const { layer } = await only(stored((tensor) => Object.assign(tensor, { dataType, int32Data })));
    expect(Array.from(layer.gamma)).toEqual(values);
  });

  test.each<[string, (tensor: TensorProto) => Partial<NodeProto["attribute"][number]>]>([
    ["a Constant node's value", (t) => ({ name: "value", type: 4, t })],
    ["a Constant node's value_floats", () => ({ name: "value_floats", type: 6, floats: VALUES })],
  ])("%s, through Identity", async (_, make) => {
    const bytes = altered((model, node) => {
      const { graph } = model;
      const tensor = graph?.initializer.shift() as TensorProto;
      const base = { ...(node.attribute[0] as NodeProto["attribute"][number]), f: 0 };
      graph?.node.unshift(
        { ...node, opType: "Constant", name: "c", input: [], output: ["c"], attribute: [{ ...base, ...make(tensor) }] },
        { ...node, opType: "Identity", name: "i", input: ["c"], output: ["scale"], attribute: [] },
      );
    });
    expect(Array.from((await only(bytes)).layer.gamma)).toEqual(VALUES);
  });
});

describe("what looks wrong is said", () => {
  const f32 = (...values: number[]) => Float32Array.from(values);
  test.each<[string, object, RegExp]>([
    ["a negative variance", { variance: f32(1, -4, 0.25) }, /var is negative \(1 of 3 channels, the first 1: -4\)/],
    ["a zero variance", { variance: f32(0, 1, 0) }, /var is zero \(2 of 3 channels, the first 0: 0\)/],
    ["no epsilon", { epsilon: 0 }, /epsilon is 0/],
    [
      "weights that are not numbers",
      { scale: f32(1, 2, Number.NaN) },
      /scale is not finite \(1 of 3 channels, the first 2: NaN\)/,
    ],
    ["a mean out of reach", { mean: f32(1e6, 0, 0) }, /\|mean\| \/ std is beyond 524288 \(mean of 1 of 3 channels/],
    ["a momentum beyond 1", { momentum: 1.5 }, /momentum is 1.5, expected a number from 0 to 1/],
  ])("%s", async (_, change, expected) => {
    const { said } = await only(buildModel(record({ ...NODE, ...change })));
    expect(said).toEqual([expect.stringMatching(expected)]);
    expect(said[0]).toMatch(/^suspect: BatchNormalization "batch_norm": /);
  });

  test("float64 holds more", async () => {
    const wide = (values: ArrayLike<number>) => Float64Array.from(values);
    const node = {
      ...NODE,
      dtype: "float64" as const,
      scale: wide(NODE.scale),
      bias: wide(NODE.bias),
      mean: wide([1e6, 0, 0]),
      variance: wide(NODE.variance),
    };
    expect((await only(buildModel(record(node)))).said).toEqual([]);
  });
});

describe("damage is refused with node, tensor and cure, or left out", () => {
  test.each<[string, (model: ModelProto, node: NodeProto) => void]>([
    ["integers", (model) => Object.assign(weights(model)[1] as TensorProto, { dataType: 7 })],
    ["short data", (model) => Object.assign(weights(model)[2] as TensorProto, { rawData: new Uint8Array(8) })],
    ["gigantic dims", (model) => Object.assign(weights(model)[2] as TensorProto, { dims: [2n ** 62n, 2n ** 62n] })],
    ["negative dims", (model) => Object.assign(weights(model)[2] as TensorProto, { dims: [-3n] })],
    ["a mean of two axes", (model) => Object.assign(weights(model)[2] as TensorProto, { dims: [3n, 1n] })],
    [
      "a short mean",
      (model) => Object.assign(weights(model)[2] as TensorProto, { dims: [2n], rawData: new Uint8Array(8) }),
    ],
    ["no mean", (model) => weights(model).splice(2, 1)],
    [
      "Identity of itself",
      (model, node) => {
        weights(model).splice(2, 1);
        model.graph?.node.push({
          ...node,
          opType: "Identity",
          name: "i",
          input: ["mean"],
          output: ["mean"],
          attribute: [],
        });
      },
    ],
    ["four inputs", (_, node) => node.input.pop()],
    ["a negative epsilon", (_, node) => Object.assign(node.attribute[0] ?? {}, { f: -1 })],
    ["a training_mode of 3", (_, node) => Object.assign(node.attribute[2] ?? {}, { i: 3n })],
    ["epsilon as an int", (_, node) => Object.assign(node.attribute[0] ?? {}, { type: 2 })],
    [
      "no channels",
      (model) => {
        for (const tensor of weights(model)) Object.assign(tensor, { dims: [0n], rawData: new Uint8Array() });
      },
    ],
  ])("%s", async (_, change) => {
    const bytes = altered(change);
    const refused = await importModel(bytes).catch((error) => error);
    expect(`${refused.code}: ${refused.message}`).toMatchSnapshot();
    const { layers, diagnostics } = await importModel(bytes, { partial: true });
    expect(layers).toEqual([]);
    expect(diagnostics).toEqual([{ kind: "damaged", node: "batch_norm", message: refused.message }]);
  });

  test("weights that the network computes are not damage, and are reported", async () => {
    const bytes = altered((model, node) => {
      weights(model).splice(0, 1);
      model.graph?.node.unshift({ ...node, opType: "Exp", name: "e", input: ["B"], output: ["scale"], attribute: [] });
    });
    const { layers, diagnostics } = await importModel(bytes);
    expect(layers).toEqual([]);
    expect(diagnostics[0]).toMatchObject({
      kind: "left out",
      message: expect.stringContaining('scale, tensor "scale", is computed, by Exp'),
    });
  });

  test("a model without BatchNormalization", async () => {
    const bytes = altered((_, node) => Object.assign(node, { opType: "InstanceNormalization" }));
    await expect(importModel(bytes)).rejects.toThrow("no BatchNormalization among the 1 nodes");
  });
});

test("nodes inside of If are named as such, and read what lies around them", async () => {
  const { layers } = await importModel(nested(true));
  expect(layers.map(({ name, source }) => [name, source.where])).toEqual([
    ["batch_norm", ""],
    ["bn_yes", 'If node "choice", then_branch'],
    ["bn_no", 'If node "choice", else_branch'],
  ]);
  for (const { statistics } of layers) expect(statistics.mean).toEqual(NODE.mean);
});

test("an inner initialiser hides the outer one", async () => {
  const bytes = nested(false, (graph) =>
    graph.initializer.push(create(TensorProtoSchema, { name: "mean", dataType: 1, dims: [3n], floatData: [7, 8, 9] })),
  );
  const { layers } = await importModel(bytes);
  expect(layers.map(({ statistics }) => Array.from(statistics.mean))).toEqual([
    [7, 8, 9],
    [7, 8, 9],
  ]);
});
