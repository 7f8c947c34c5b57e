import {
  convertNet,
  encodeBlob,
  LayerParameterSchema,
  NetParameterSchema,
  readNet,
  readWeights,
  writeWeights,
} from "@bn/caffe";
import { importModel } from "@bn/onnx";
import { inputNames, runModel } from "@bn/onnx/verify";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { convert, graphOf, INPUT, layer, NORM, STATISTICS } from "./convert-kit.ts";

describe("names", () => {
  test("the last value of a blob has its name, earlier ones are blob/layer", () => {
    const { tops, inputs } = convert(
      `${INPUT}
       layer { name: "neg" type: "Power" bottom: "x" top: "y" power_param { scale: -1 } }
       layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }
       layer { name: "abs" type: "AbsVal" bottom: "y" top: "y" }
       layer { name: "end" type: "TanH" bottom: "y" top: "z" }`,
      {},
    );
    expect(tops.map(({ tensor }) => tensor)).toEqual(["y/neg", "y/relu", "y", "z"]);
    expect(inputs.map(({ tensor }) => tensor)).toEqual(["x"]);
  });

  test("an input that is changed in place is told of", () => {
    const { inputs, outputs, diagnostics } = convert(
      `${INPUT} layer { name: "relu" type: "ReLU" bottom: "x" top: "x" }`,
      {},
    );
    expect([inputs[0]?.blob, inputs[0]?.tensor, outputs[0]?.tensor]).toEqual(["x", "x/in", "x"]);
    expect(diagnostics[0]?.message).toContain('input "x" is changed in place');
  });

  test("names that would meet are told apart", () => {
    const { tops, bytes } = convert(
      `${INPUT}
       layer { name: "b" type: "ReLU" bottom: "x" top: "a" }
       layer { name: "c" type: "AbsVal" bottom: "a" top: "a" }
       layer { name: "d" type: "AbsVal" bottom: "a" top: "a/b" }`,
      {},
    );
    expect(tops.map(({ tensor }) => tensor)).toEqual(["a/b.2", "a", "a/b"]);
    expect(inputNames(bytes)).toEqual(["x"]);
  });

  test("nodes have their layers' names, and those inside of a layer its name and theirs", () => {
    const { bytes } = convert(
      `${INPUT} layer { name: "p" type: "Power" bottom: "x" top: "y" power_param { scale: 2 shift: 1 power: 3 } }`,
    );
    expect(graphOf(bytes)?.node.map(({ name }) => name)).toEqual(["p/Mul", "p/Add", "p"]);
  });
});

describe("BatchNorm", () => {
  const bn = `layer { name: "bn" bottom: "x" top: "x" ${NORM} }`;
  const scale = (param = "bias_term: true") =>
    `layer { name: "sc" type: "Scale" bottom: "x" top: "x" scale_param { ${param} } }`;
  const end = 'layer { name: "end" type: "TanH" bottom: "x" top: "z" }';
  const blobs = {
    bn: STATISTICS,
    sc: [
      [3, 5],
      [7, 9],
    ],
  };
  const opsOf = (bytes: Uint8Array) => graphOf(bytes)?.node.map(({ opType }) => opType);

  test("with its Scale it is one node that holds the stored sums divided by the factor", async () => {
    const { bytes, norms } = convert(`${INPUT} ${bn} ${scale()} ${end}`, blobs);
    expect(opsOf(bytes)).toEqual(["BatchNormalization", "Tanh"]);
    const { layers } = await importModel(bytes);
    const [layer] = layers;
    if (layer?.type !== "BatchNormScale") throw new Error("no BatchNormalization");
    expect([layer.name, layer.eps]).toEqual(["bn", 0.5]);
    expect(
      [layer.statistics.mean, layer.statistics.variance, layer.gamma, layer.beta].map((values) => [...(values ?? [])]),
    ).toEqual([
      [1, 2],
      [1, 4],
      [3, 5],
      [7, 9],
    ]);
    const record = norms.get("bn");
    expect([[...(record?.statistics.mean ?? [])], record?.statistics.factor, record?.source.nodes]).toEqual([
      [2, 4],
      2,
      ["bn", "sc"],
    ]);
  });

  test("a Scale that covers other axes, or is not alone in reading it, stays apart", () => {
    const wide = convert(`${INPUT} ${bn} ${scale("axis: 2 num_axes: 1")} ${end}`, { ...blobs, sc: [[3, 5, 7]] });
    expect(opsOf(wide.bytes)).toEqual(["BatchNormalization", "Mul", "Tanh"]);
    const forked = convert(
      `${INPUT} layer { name: "bn" bottom: "x" top: "y" ${NORM} }
       layer { name: "sc" type: "Scale" bottom: "y" top: "z" scale_param { bias_term: true } }
       layer { name: "sum" type: "Eltwise" bottom: "y" bottom: "z" top: "w" }`,
      blobs,
    );
    expect(opsOf(forked.bytes)).toEqual(["BatchNormalization", "Mul", "Add", "Add"]);
  });

  test("a factor of 0 is mean and variance 0 in Caffe, and what is stored in its forks: --dialect decides", async () => {
    const untold = `${INPUT} layer { name: "bn" bottom: "x" top: "y" ${NORM} }`;
    const stored = { bn: [[2, 4], [2, 8], [0]] };
    const statisticsOf = async (dialect: string) => {
      const [layer] = (await importModel(convert(untold, stored, { dialect }).bytes)).layers;
      return [[...(layer?.statistics?.mean ?? [])], [...(layer?.statistics?.variance ?? [])]];
    };
    expect(() => convert(untold, stored)).toThrow(/layer "bn" \(BatchNorm\): ambiguous: factor is 0/);
    expect(await statisticsOf("caffe")).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(await statisticsOf("mean-first")).toEqual([
      [2, 4],
      [2, 8],
    ]);
  });

  test("five blobs of a fork, and the BN layer of others, are BatchNormalization with their own scale", async () => {
    const five = [[3, 5], [7, 9], [0.5, -0.5], [2, 8], [1]];
    const fork = convert(
      `${INPUT} layer { name: "bn" bottom: "x" top: "y" ${NORM} }`,
      { bn: five },
      { dialect: "scale-first" },
    );
    const [layer] = (await importModel(fork.bytes)).layers;
    expect([[...(layer?.gamma ?? [])], [...(layer?.beta ?? [])], [...(layer?.statistics?.mean ?? [])]]).toEqual([
      [3, 5],
      [7, 9],
      [0.5, -0.5],
    ]);
    const bnLayer = convert(
      `${INPUT} layer { name: "bn" type: "BN" bottom: "x" top: "y" }`,
      { bn: five.slice(0, 4) },
      { dialect: "bn-variance" },
    );
    expect(opsOf(bnLayer.bytes)).toEqual(["BatchNormalization"]);
    const folded = convert(
      `${INPUT} layer { name: "bn" type: "BN" bottom: "x" top: "y" }`,
      { bn: five.slice(0, 2) },
      { dialect: "bn-affine" },
    );
    expect(opsOf(folded.bytes)).toEqual(["Mul", "Add"]);
  });

  test("of the batch's own statistics it is written out, and that is told", () => {
    const own = 'type: "BatchNorm" batch_norm_param { use_global_stats: false }';
    const { bytes, diagnostics, norms } = convert(`${INPUT} layer { name: "bn" bottom: "x" top: "y" ${own} }`, {
      bn: STATISTICS,
    });
    expect(opsOf(bytes)).not.toContain("BatchNormalization");
    expect(norms.size).toBe(0);
    expect(diagnostics[0]?.message).toMatch(/use_global_stats is false/);
  });
});

describe("what is left out", () => {
  test("a data layer, with what it did to its images", async () => {
    const { diagnostics, inputs } = convert(
      `layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
         transform_param { scale: 0.5 mean_value: 104 mean_value: 117 crop_size: 8 mirror: true } }
       layer { name: "relu" type: "ReLU" bottom: "data" top: "y" }
       layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "label" top: "loss" }
       layer { name: "accuracy" type: "Accuracy" bottom: "y" bottom: "label" top: "accuracy" }`,
      {},
      { shapes: { data: [1, 3, 8, 8] } },
    );
    expect(inputs.map(({ blob }) => blob)).toEqual(["data"]);
    const all = diagnostics.map(({ message }) => message).join("; ");
    expect(all).toContain(
      "cropped 8 x 8 from its centre, then mirrored half of the images at random, then subtracted 104, 117",
    );
    expect(all).toContain("multiplied by 0.5 (scale)");
    expect(all).toContain('layer "accuracy" (Accuracy) is left out');
    expect(all).toContain('is converted as Softmax: "loss" holds the probabilities');
  });

  test("what ends in Silence, and an input that nobody reads", () => {
    const { outputs, bytes } = convert(
      `${INPUT}
       layer { name: "relu" type: "ReLU" bottom: "x" top: "y" }
       layer { name: "abs" type: "AbsVal" bottom: "x" top: "z" }
       layer { name: "quiet" type: "Silence" bottom: "z" }`,
      {},
    );
    expect(outputs.map(({ blob }) => blob)).toEqual(["y"]);
    expect(graphOf(bytes)?.node.length).toBe(1);
  });

  test("an input whose shape alone matters", () => {
    const like = 'layer { name: "like" type: "Input" top: "z" input_param { shape { dim: 1 dim: 2 dim: 2 dim: 2 } } }';
    const { inputs, outputs, diagnostics } = convert(
      `${INPUT} ${like} layer { name: "crop" type: "Crop" bottom: "x" bottom: "z" top: "y" }`,
    );
    expect([inputs.map(({ blob }) => blob), outputs[0]?.shape]).toEqual([["x"], [1, 2, 2, 2]]);
    expect(diagnostics.map(({ message }) => message)).toEqual([
      'input "z" is omitted: no output depends on its values',
    ]);
  });

  test("Dropout in place leaves no trace, and under another name that name", () => {
    const { bytes, tops } = convert(
      `${INPUT}
       layer { name: "relu" type: "ReLU" bottom: "x" top: "y" }
       layer { name: "drop" type: "Dropout" bottom: "y" top: "y" }
       layer { name: "drop2" type: "Dropout" bottom: "y" top: "z" }`,
      {},
    );
    expect(graphOf(bytes)?.node.map(({ opType }) => opType)).toEqual(["Relu", "Identity"]);
    expect(tops.map(({ tensor }) => tensor)).toEqual(["y", "y", "z"]);
  });
});

describe("weights", () => {
  const bias = (name: string, param: string, bottom = "x", top = "y") =>
    `layer { name: "${name}" type: "Bias" bottom: "${bottom}" top: "${top}" param { name: "${param}" } }`;

  test("shared by name are those that were copied last", async () => {
    const net = `${INPUT} ${bias("a", "b")} ${bias("c", "b", "y", "z")}`;
    const { bytes, diagnostics } = convert(net, { a: [[1, 2]], c: [[10, 20]] });
    const data = new Float32Array(18);
    const got = await runModel(bytes, { x: { type: "float32", shape: [1, 2, 3, 3], data } });
    const ten = new Array(9).fill(20);
    expect(got.get("z")?.data).toEqual(Float32Array.from([...ten, ...ten.map((value) => 2 * value)]));
    expect(diagnostics[0]?.message).toContain('parameter "b" is shared');
  });

  test("shared by name need to be stored once", () => {
    const { diagnostics } = convert(`${INPUT} ${bias("a", "b")} ${bias("c", "b", "y", "z")}`, { a: [[1, 2]] });
    expect(diagnostics).toEqual([]);
  });

  test("go over bit for bit, NaN and subnormals too", () => {
    const bits = new Uint32Array([0x7fa00001, 0x00000001]);
    const net = readNet(`${INPUT} layer { name: "s" type: "Scale" bottom: "x" top: "y" }`);
    const blobs = [encodeBlob({ shape: [2], data: new Float32Array(bits.buffer) })];
    const message = create(NetParameterSchema, { layer: [create(LayerParameterSchema, { name: "s", blobs })] });
    const { bytes } = convertNet({ net, weights: readWeights(writeWeights({ ...net, message })) });
    const [tensor] = graphOf(bytes)?.initializer ?? [];
    expect([...new Uint32Array(tensor?.rawData.slice().buffer ?? new ArrayBuffer(0))]).toEqual([...bits]);
  });

  test("of layers that the net lacks are told of", () => {
    const { diagnostics } = convert(`${INPUT} ${bias("a", "b")}`, { a: [[1, 2]], gone: [[1]] });
    expect(diagnostics.map(({ message }) => message).join()).toContain(
      'w.caffemodel has 1 layers with blobs that the net has no layer for: "gone"',
    );
  });
});

test("a layer in place on flattened memory is fine where nothing else reads it afterwards", () => {
  const { outputs } = convert(
    `${INPUT}
     layer { name: "before" type: "TanH" bottom: "x" top: "z" }
     layer { name: "flat" type: "Flatten" bottom: "x" top: "f" }
     layer { name: "relu" type: "ReLU" bottom: "f" top: "f" }
     layer { name: "drop" type: "Dropout" bottom: "f" top: "f" }`,
  );
  expect(outputs.map(({ blob }) => blob)).toEqual(["z", "f"]);
});

test("options that do not fit are refused", () => {
  const refused = (options: object) => () => convert(layer('type: "ReLU"'), {}, options);
  for (const opset of [8, 23, 9.5, Number.NaN])
    expect(refused({ opset })).toThrow(/opset is .*, expected a whole number from 9 to 22/);
  expect(refused({ shapes: { z: [1] } })).toThrow(
    'shapes has "z", which is not an input of the net; its inputs are "x"',
  );
  expect(refused({ shapes: { x: [1, -2] } })).toThrow(expect.objectContaining({ code: "ERR_BN_PARAM" }));
});

test("a shape that is given goes before the net's, and the model has it", () => {
  const { inputs, outputs } = convert(
    layer('type: "Pooling" pooling_param { kernel_size: 2 stride: 2 }'),
    {},
    { shapes: { x: [4, 2, 7, 9] } },
  );
  expect([inputs[0]?.shape, outputs[0]?.shape]).toEqual([
    [4, 2, 7, 9],
    [4, 2, 4, 5],
  ]);
});
