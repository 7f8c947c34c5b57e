import {
  type CaffeFile,
  foldAttemptsOfNet,
  foldNet,
  foldTasksOfNet,
  openNetwork,
  readNet,
  readWeights,
  writeNet,
  writeWeights,
} from "@bn/caffe";
import { judgeFolds } from "@bn/onnx";
import { describe, expect, it } from "vitest";
import { bytesOf, textOf } from "./files.ts";
import { BATCH_NORM, netOf, SCALE } from "./nets.ts";
import { exactly, type Tensor } from "./reference/bounded.ts";
import { runNetwork } from "./reference/network.ts";

const NETS = [
  "nets/bn_no_scale",
  "nets/conv_bn_scale_relu_ip",
  "nets/double_conv_bn_scale",
  "nets/ip_bn_scale",
  "nets/multi_bn_eps",
];
const MODELS = ["models/yoloface-50k/yoloface-50k", "models/landmark106/landmark106"];

function open(path: string): { net: CaffeFile; weights: CaffeFile } {
  const [prototxt, weights] = path.startsWith("nets")
    ? [`${path}/deploy.prototxt`, `${path}/trained.caffemodel`]
    : [`${path}.prototxt`, `${path}.caffemodel`];
  return {
    net: readNet(textOf(prototxt), { file: prototxt }),
    weights: readWeights(bytesOf(weights), { file: weights }),
  };
}

/** Writes the result to files and reads it again. */
const again = ({ net, weights }: { net: CaffeFile | null; weights: CaffeFile | null }) => ({
  net: readNet(writeNet(net as CaffeFile)),
  weights: readWeights(writeWeights(weights as CaffeFile)),
});

const types = ({ message }: CaffeFile) => message.layer.map(({ type }) => type);

/** The outputs of a network in float64, with the bound for a float32 run. */
function run(files: { net: CaffeFile; weights: CaffeFile }): Tensor {
  const network = openNetwork(files);
  const input = network.layers.find(({ type }) => type === "Input");
  const shape = input?.param.inputParam?.shape[0]?.dim.map(Number) ?? [];
  const count = shape.reduce((a, b) => a * b, 1);
  const x = exactly(
    shape,
    Float32Array.from({ length: count }, (_, i) => Math.sin(i * i)),
  );
  const values = runNetwork(network, { [input?.tops[0] ?? ""]: x });
  const last = network.outputs.at(-1);
  return values.get(`${last?.layer}.${last?.top}`) as Tensor;
}

describe.each([...NETS, ...MODELS])("%s", (path) => {
  const files = open(path);
  const folded = foldNet(files);
  const written = again(folded);

  it("loses every normalization that stands behind a layer with weights, and no other layer", () => {
    const left = folded.rows.filter(({ status }) => status === "left");
    expect(
      left.map(({ reason }) => reason).filter((reason) => !/stands before it|input of the network/.test(reason)),
    ).toEqual([]);
    const gone = folded.rows.length - left.length;
    expect(gone).toBeGreaterThan(0);
    for (const file of [written.net, written.weights]) {
      expect(types(file).filter((type) => type === "BatchNorm")).toHaveLength(
        left.filter(({ operator }) => operator !== "Scale").length,
      );
    }
    const kept = (file: CaffeFile) =>
      file.message.layer.filter(({ type }) => !["BatchNorm", "Scale"].includes(type)).map(({ name }) => name);
    expect(kept(written.net)).toEqual(kept(files.net));
    expect(kept(written.weights)).toEqual(kept(files.weights));
  });

  it("gives in float64 what it gave, within the bounds of both networks", { timeout: 120_000 }, () => {
    const [before, after] = [run(files), run(written)];
    expect(after.value.length).toBe(before.value.length);
    for (const [i, value] of before.value.entries()) {
      const bound = before.error[i]! + after.error[i]!;
      expect(Math.abs(after.value[i]! - value)).toBeLessThanOrEqual(bound);
    }
  });

  it("is called right by the judge, and the network as it was not folded", () => {
    const tasks = foldTasksOfNet(files);
    expect(tasks.tasks.length).toBeGreaterThan(0);
    const verdicts = judgeFolds(tasks, foldAttemptsOfNet(written)).map(({ status }) => status);
    expect(new Set(verdicts)).toEqual(new Set(["right"]));
    expect(new Set(judgeFolds(tasks, foldAttemptsOfNet(files)).map(({ status }) => status))).toEqual(
      new Set(["not folded"]),
    );
  });
});

describe("left as it was, with the reason", () => {
  const CONV = {
    name: "conv",
    text: 'type: "Convolution" bottom: "x" top: "x" convolution_param { num_output: 2 kernel_size: 1 bias_term: false }',
    blobs: [{ shape: [2, 2, 1, 1], data: [1, 2, 3, 4] }],
  };
  const bn = { name: "bn", text: BATCH_NORM, blobs: [[1, 2], [3, 4], [2]] };

  it.each([
    ["an input of the network", /Input "x" stands before it/, [bn]],
    [
      "something else before it",
      /ReLU "relu" stands before it/,
      [CONV, { name: "relu", text: 'type: "ReLU" bottom: "x" top: "x"' }, bn],
    ],
    [
      "another reader",
      /blob "z" before it is read by other layers too/,
      [
        { ...CONV, text: CONV.text.replace('top: "x"', 'top: "z"') },
        { ...bn, text: 'type: "BatchNorm" bottom: "z" top: "v"' },
        { name: "sum", text: 'type: "Eltwise" bottom: "z" bottom: "v" top: "y"' },
      ],
    ],
    [
      "the batch's statistics",
      /it uses the batch's statistics/,
      [CONV, { ...bn, text: `${BATCH_NORM} batch_norm_param { use_global_stats: false }` }],
    ],
    ["a factor that makes NaN", /variance/, [CONV, { ...bn, blobs: [[1, 2], [-3, 4], [2]] }]],
  ])("%s", (_, why, layers) => {
    const net = netOf(layers);
    const { rows, net: out } = foldNet({ net });
    expect(rows[0]).toMatchObject({ status: "left", reason: expect.stringMatching(why) });
    expect(types(out as CaffeFile)).toEqual(types(net));
  });

  it("gives a layer without a bias one, and keeps the last blob's name", () => {
    const net = netOf([
      { ...CONV, text: CONV.text.replace('top: "x"', 'top: "z"') },
      { ...bn, text: 'type: "BatchNorm" bottom: "z" top: "v"' },
      {
        name: "scale",
        text: SCALE.replaceAll('"x"', '"v"'),
        blobs: [
          [2, 2],
          [5, 6],
        ],
      },
    ]);
    const { net: out, rows } = foldNet({ net });
    expect(rows.map(({ status }) => status)).toEqual(["folded"]);
    const [conv, ...rest] = (out as CaffeFile).message.layer;
    expect(rest).toEqual([]);
    expect(conv?.top).toEqual(["v"]);
    expect(conv?.convolutionParam?.biasTerm).toBe(true);
    expect(conv?.blobs).toHaveLength(2);
  });
});
