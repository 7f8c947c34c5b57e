import {
  type CaffeFile,
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
import { create, fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";

const INPUT = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 dim: 3 dim: 3 } } }';
const NORM = 'type: "BatchNorm" batch_norm_param { eps: 0.5 }';

type Blobs = Readonly<Record<string, readonly (readonly number[])[]>>;

/** Blobs of one axis. */
function weightsOf(blobs: Blobs): CaffeFile {
  const layer = Object.entries(blobs).map(([name, lists]) => {
    const encoded = lists.map((list) => encodeBlob({ shape: [list.length], data: Float32Array.from(list) }));
    return create(LayerParameterSchema, { name, blobs: encoded });
  });
  const message = create(NetParameterSchema, { layer });
  return readWeights(writeWeights({ ...readNet(INPUT), message }), { file: "w.caffemodel" });
}

const convert = (layers: string, blobs: Blobs = {}, options = {}) =>
  convertNet({
    net: readNet(layers, { file: "net.prototxt" }),
    weights: Object.keys(blobs).length > 0 ? weightsOf(blobs) : readNet(INPUT),
    ...options,
  });

const graphOf = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes).graph;
const STATISTICS = [[2, 4], [2, 8], [2]];

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
    expect(() => convert(untold, stored)).toThrow(/layer "bn" \(BatchNorm\): ambiguous, factor 0/);
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
      "cut 8 x 8 out of its middle, then mirrored every second one at random, then subtracted 104, 117",
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
      'input "z" is left out: no output depends on its values',
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
      'no layer of the name of 1 of w.caffemodel with blobs: "gone"',
    );
  });
});

const conv = (param: string) =>
  `${INPUT} layer { name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { ${param} } }`;
const layer = (text: string) => `${INPUT} layer { name: "l" bottom: "x" top: "y" ${text} }`;

/** What came, and what the message must say of it. */
const REFUSED: readonly (readonly [what: string, net: string, message: RegExp, blobs?: Blobs])[] = [
  ["an unknown type", layer('type: "Frobnicate"'), /layer "l" \(Frobnicate\): unknown type/],
  ["a type in other letters", layer('type: "Relu"'), /spelled ReLU/],
  ["a fork's type", layer('type: "Upsample"'), /"l" \(Upsample\): this type is not converted: it is a fork's/],
  ["a type that only objects have", layer('type: "constructor"'), /\(constructor\): unknown type/],
  ["no kernel", conv("num_output: 1"), /has no kernel_size/],
  ["no outputs", conv("kernel_size: 1"), /has no num_output/],
  [
    "a group that does not divide",
    conv("num_output: 3 kernel_size: 1 group: 3"),
    /group is 3, and the bottom has 2 channels/,
  ],
  ["an image below the kernel", conv("num_output: 1 kernel_size: 5"), /too small/],
  ["a stride of 0", conv("num_output: 1 kernel_size: 1 stride: 0"), /stride is 0, 0, expected at least 1/],
  ["two kernels", conv("num_output: 1 kernel_size: 1 kernel_h: 1 kernel_w: 1"), /give one of them/],
  ["an axis too far", layer('type: "Softmax" softmax_param { axis: 4 }'), /axis is 4, and the bottom has 4 axes/],
  [
    "no weights",
    conv("num_output: 1 kernel_size: 1"),
    /layer "c" \(Convolution\): the weights do not hold weights \[1,2,1,1\]/,
  ],
  [
    "weights of another shape",
    conv("num_output: 1 kernel_size: 1"),
    /blob 0 of the weights has shape \[3\], expected weights \[1,2,1,1\]/,
    { c: [[1, 2, 3], [1]] },
  ],
  [
    "more blobs than the layer needs",
    layer('type: "Scale"'),
    /hold 2 blobs for it, and the net needs 1/,
    {
      l: [
        [1, 2],
        [1, 2],
      ],
    },
  ],
  ["blobs for a layer without", layer('type: "ReLU"'), /hold 1 blobs for it, and the net needs 0/, { l: [[1]] }],
  [
    "pooling at random",
    layer('type: "Pooling" pooling_param { pool: STOCHASTIC kernel_size: 2 }'),
    /pool is STOCHASTIC/,
  ],
  [
    "a layer in place on memory that is read under another name",
    `${INPUT}
     layer { name: "abs" type: "AbsVal" bottom: "x" top: "a" }
     layer { name: "flat" type: "Flatten" bottom: "a" top: "f" }
     layer { name: "relu" type: "ReLU" bottom: "f" top: "f" }
     layer { name: "later" type: "TanH" bottom: "a" top: "z" }`,
    /layer "relu" \(ReLU\): works in place on memory that blob "a" shares, and layer "later" reads that after it/,
  ],
  [
    "one padding of two",
    layer('type: "Pooling" pooling_param { kernel_size: 2 pad_w: 1 }'),
    /has one of pad_h and pad_w; give both, or pad/,
  ],
  [
    "an exponent that ONNX Runtime refuses",
    layer('type: "LRN" lrn_param { beta: 0 }'),
    /beta is 0, expected a number above 0/,
  ],
  [
    "a second top that no layer gives",
    layer('type: "ReLU"').replace('top: "y"', 'top: "y" top: "z"'),
    /has 2 tops, expected 1/,
  ],
  ["a layer without a top", layer('type: "ReLU"').replace('top: "y"', ""), /has 0 tops, expected 1/],
  [
    "more values than Caffe counts",
    layer('type: "Tile" tile_param { axis: 0 tiles: 2000000000 }'),
    /more than the 2147483647 values that Caffe counts/,
  ],
  [
    "a bias without weights, of any size",
    layer('type: "InnerProduct" inner_product_param { num_output: 4294967295 bias_term: false }'),
    /the weights do not hold weights/,
  ],
  [
    "padding as large as the kernel",
    layer('type: "Pooling" pooling_param { kernel_size: 2 pad: 2 }'),
    /pad is 2, expected less than the kernel's 2/,
  ],
  [
    "an average of nothing",
    layer('type: "Pooling" pooling_param { pool: AVE kernel_size: 1 stride: 3 }').replace(
      "dim: 3 dim: 3",
      "dim: 5 dim: 5",
    ),
    /divides by 0 or less/,
  ],
  [
    "the places of maxima",
    `${INPUT} layer { name: "l" type: "Pooling" bottom: "x" top: "y" top: "mask" pooling_param { kernel_size: 2 } }`,
    /places of maxima/,
  ],
  [
    "a sum of different shapes",
    `${INPUT} layer { name: "i" type: "Input" top: "w" input_param { shape { dim: 2 } } } layer { name: "l" type: "Eltwise" bottom: "x" bottom: "w" top: "y" }`,
    /bottom 1 "w" has shape \[2\], expected \[1,2,3,3\]/,
  ],
  [
    "coefficients that do not fit",
    `${INPUT} layer { name: "l" type: "Eltwise" bottom: "x" bottom: "x" top: "y" eltwise_param { coeff: 1 } }`,
    /1 values of coeff, expected 2/,
  ],
  ["a shape that is not filled", layer('type: "Reshape" reshape_param { shape { dim: 7 dim: -1 } }'), /does not fill/],
  [
    "an unequal cut",
    `${INPUT} layer { name: "l" type: "Slice" bottom: "x" top: "y" top: "z" slice_param { axis: 2 } }`,
    /axis 2 has 3, which 2 tops cannot share equally/,
  ],
  ["an even LRN", layer('type: "LRN" lrn_param { local_size: 4 }'), /local_size is 4, expected an odd number/],
  [
    "BatchNorm of one axis",
    'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 4 } } } layer { name: "l" type: "BatchNorm" bottom: "x" top: "y" }',
    /expected 2 axes or more/,
  ],
  [
    "an input without a shape",
    'layer { name: "in" type: "Data" top: "x" } layer { name: "l" type: "ReLU" bottom: "x" top: "y" }',
    /does not say which shape "x" has; give it/,
  ],
  [
    "an empty input",
    'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 0 } } } layer { name: "l" type: "ReLU" bottom: "x" top: "y" }',
    /"x" has shape \[0\], expected sizes of 1 or more/,
  ],
  [
    "a gigantic input",
    'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 65536 dim: 65536 } } } layer { name: "l" type: "ReLU" bottom: "x" top: "y" }',
    /with a product of at most/,
  ],
  ["no output", INPUT, /no layer gives an output/],
  [
    "what a loss gives",
    `${INPUT} layer { name: "loss" type: "EuclideanLoss" bottom: "x" bottom: "x" top: "e" } layer { name: "l" type: "ReLU" bottom: "e" top: "y" }`,
    /reads "e", which layer "loss" \(EuclideanLoss\) gives, and that is left out/,
  ],
];

const REFUSALS = REFUSED.map(([what, net, message, blobs = {}]) => ({ what, net, message, blobs }));

test.each(REFUSALS)("$what: refused", ({ net, message, blobs }) => {
  const attempt = () => convert(net, blobs);
  expect(attempt).toThrow(message);
  expect(attempt).toThrow(expect.objectContaining({ code: "ERR_BN_DATA" }));
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
  expect(refused({ shapes: { z: [1] } })).toThrow('shapes names "z", and the net\'s inputs are "x"');
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
