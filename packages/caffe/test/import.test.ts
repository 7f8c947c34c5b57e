import { createCpu } from "@bn/cpu";
import { isNormRecord } from "@bn/onnx";
import { describe, expect, test } from "vitest";
import { createLayers, importNet, readNet, readWeights, writeBlobs } from "../src/index.ts";
import { bytesOf, filesOf, type Tensor, textOf, valuesOf } from "./files.ts";
import { BATCH_NORM, netOf, SCALE } from "./nets.ts";

interface NetJson {
  readonly initial_blobs: Readonly<Record<string, readonly Tensor[]>>;
  readonly trained_blobs: Readonly<Record<string, readonly Tensor[]>>;
  readonly learnable_params: unknown;
}

const NETS = ["bn_no_scale", "conv_bn_scale_relu_ip", "double_conv_bn_scale", "ip_bn_scale", "multi_bn_eps"];

describe.each(NETS)("%s", (name) => {
  const json: NetJson = JSON.parse(textOf(`nets/${name}/net.json`));
  const net = (phase: string) => readNet(textOf(`nets/${name}/${phase}.prototxt`), { file: `${phase}.prototxt` });
  const weights = (when: string) =>
    readWeights(bytesOf(`nets/${name}/${when}.caffemodel`), { file: `${when}.caffemodel` });

  test.each([
    ["init", "initial_blobs"],
    ["trained", "trained_blobs"],
  ] as const)("%s.caffemodel: every blob to the bit", (when, key) => {
    for (const options of [{ net: net("deploy"), weights: weights(when) }, { weights: weights(when) }]) {
      const { layers } = importNet(options);
      const found = layers.flatMap(({ caffe }) => caffe.layers);
      expect(found.length).toBeGreaterThan(0);
      for (const layer of found) {
        const expected = (json[key][layer.name] ?? []).map((tensor) => valuesOf(name, tensor));
        expect(layer.blobs.map(({ data }) => data)).toEqual(expected);
      }
      for (const record of layers) {
        if (!isNormRecord(record)) continue;
        const [mean, variance, factor] = record.caffe.layers[0]?.blobs ?? [];
        expect([record.statistics.mean, record.statistics.variance]).toEqual([mean?.data, variance?.data]);
        expect(record.statistics.factor).toBe(factor?.data[0]);
      }
    }
  });

  test("the phase says whether statistics are used", () => {
    const phases = (phase: "train" | "test") =>
      importNet({ net: net(phase === "train" ? "train" : "deploy"), weights: weights("trained"), phase })
        .layers.filter(isNormRecord)
        .map((record) => record.phase);
    expect(new Set(phases("test"))).toEqual(new Set(["test"]));
    expect(new Set(phases("train"))).toEqual(new Set(["train"]));
  });
});

test("every BatchNorm and Scale of the two real networks is in a record, and nothing is suspect", () => {
  for (const [name, pairs] of [
    ["yoloface-50k", 23],
    ["landmark106", 38],
  ] as const) {
    const [path, file] = [`models/${name}/${name}`, name];
    const net = readNet(textOf(`${path}.prototxt`), { file });
    for (const options of [{}, { net }]) {
      const { layers, diagnostics } = importNet({
        weights: readWeights(bytesOf(`${path}.caffemodel`), { file }),
        ...options,
      });
      expect(layers.map(({ type }) => type)).toEqual(new Array(pairs).fill("BatchNormScale"));
      expect(diagnostics).toEqual([]);
    }
  }
});

test("weights in other forms give the same records", () => {
  const folder = "nets/conv_bn_scale_relu_ip";
  const read = (path: string) => importNet({ weights: readWeights(bytesOf(path)) }).layers;
  const [trained] = read(`${folder}/trained.caffemodel`);
  for (const form of ["legacy4d", "unpacked", "with_diff", "extra_layer"]) {
    const { caffe: _, ...record } = read(`${folder}/${form}.caffemodel`)[0] ?? {};
    const { caffe: __, ...expected } = trained ?? {};
    expect(record).toEqual(expected);
  }
  expect(filesOf(".caffemodel").length).toBeGreaterThan(15);
});

describe("which Scale belongs to a BatchNorm", () => {
  const bn = { name: "bn", text: BATCH_NORM, blobs: [[1, 2], [3, 4], [2]] };
  const scale = {
    name: "sc",
    text: SCALE,
    blobs: [
      [5, 6],
      [7, 8],
    ],
  };
  const types = (layers: Parameters<typeof netOf>[0]) =>
    importNet({ net: netOf(layers) }).layers.map(({ type, source }) => [type, ...source.nodes]);

  test("the one that alone reads it, in place or not", () => {
    expect(types([bn, scale])).toEqual([["BatchNormScale", "bn", "sc"]]);
    const apart = (text: string) => text.replace(/bottom: "x" top: "x"/, 'bottom: "y" top: "z"');
    expect(
      types([
        { ...bn, text: 'type: "BatchNorm" bottom: "x" top: "y"' },
        { ...scale, text: apart(SCALE) },
      ]),
    ).toEqual([["BatchNormScale", "bn", "sc"]]);
  });

  test("not across another layer, and not where another layer reads it too", () => {
    const relu = { name: "relu", text: 'type: "ReLU" bottom: "x" top: "x"' };
    expect(types([bn, relu, scale])).toEqual([
      ["BatchNorm", "bn"],
      ["Scale", "sc"],
    ]);
    const [own, other] = ['type: "BatchNorm" bottom: "x" top: "y"', 'type: "ReLU" bottom: "y" top: "r"'];
    const reads = { ...scale, text: 'type: "Scale" bottom: "y" top: "z" scale_param { bias_term: true }' };
    expect(types([{ ...bn, text: own }, { name: "r", text: other }, reads])).toEqual([
      ["BatchNorm", "bn"],
      ["Scale", "sc"],
    ]);
  });

  test("not over other axes", () => {
    const wide = { ...scale, text: SCALE.replace("bias_term: true", "axis: 2 num_axes: 1"), blobs: [[1, 2, 3]] };
    expect(types([bn, wide])).toEqual([
      ["BatchNorm", "bn"],
      ["Scale", "sc"],
    ]);
  });
});

test("NetState rules pick the layers of a phase, a level and stages", () => {
  const rules = [
    "include { phase: TEST }",
    "exclude { phase: TEST }",
    'include { stage: "a" not_stage: "b" }',
    "include { min_level: 2 max_level: 3 }",
  ];
  const layers = rules.map((rule, i) => ({
    name: `bn${i}`,
    text: `type: "BatchNorm" bottom: "x" top: "y${i}" ${rule}`,
    blobs: [[1, 2], [3, 4], [2]],
  }));
  const names = (options: object) => importNet({ net: netOf(layers), ...options }).layers.map(({ name }) => name);
  expect(names({})).toEqual(["bn0"]);
  expect(names({ phase: "train" })).toEqual(["bn1"]);
  expect(names({ stages: ["a"], level: 2 })).toEqual(["bn0", "bn2", "bn3"]);
  expect(names({ stages: ["a", "b"], level: 4 })).toEqual(["bn0"]);
});

test("use_global_stats says more than the phase", () => {
  const text = (value: boolean) => `${BATCH_NORM} batch_norm_param { use_global_stats: ${value} }`;
  const phase = (value: boolean, of: "train" | "test") =>
    importNet({ net: netOf([{ name: "bn", text: text(value), blobs: [[1, 2], [3, 4], [2]] }]), phase: of }).layers[0];
  expect(phase(true, "train")).toMatchObject({ phase: "test", caffe: { phase: "train", useGlobalStats: true } });
  expect(phase(false, "test")).toMatchObject({ phase: "train", caffe: { phase: "test", useGlobalStats: false } });
});

test("copies of a shared parameter that differ: every layer has the last, and it is told", () => {
  const shared = ["m", "v", "f"].map((name) => `param { name: "${name}" lr_mult: 0 }`).join(" ");
  const made = (name: string, top: string, blobs?: readonly number[][]) => ({
    name,
    text: `type: "BatchNorm" bottom: "x" top: "${top}" ${shared}`,
    ...(blobs ? { blobs } : {}),
  });
  const net = netOf([made("a", "y"), made("b", "z"), made("c", "w")]);
  const weights = netOf([made("a", "y", [[1, 2], [3, 4], [1]]), made("b", "z", [[5, 6], [7, 8], [1]])]);
  const { layers, diagnostics } = importNet({ net, weights });
  // The third layer has no weights of its own.
  expect(layers.map(({ statistics }) => [...(statistics?.mean ?? [])])).toEqual([
    [5, 6],
    [5, 6],
    [5, 6],
  ]);
  expect(diagnostics.map(({ message }) => message)).toContain(
    'made.prototxt: parameter "m" is shared, and its copies in the weights differ; the last copy is used, as in Caffe',
  );
});

test("a blob that layers share is written in each of them", async () => {
  await using cpu = await createCpu();
  const param = 'param { name: "m" lr_mult: 0 }';
  const blobs = [[1, 2], [3, 4], [1]];
  const net = netOf(
    ["y", "z"].map((top) => ({ name: top, text: `type: "BatchNorm" bottom: "x" top: "${top}" ${param}`, blobs })),
  );
  const [record] = importNet({ net }).layers;
  if (!record) throw new Error("no record");
  using created = createLayers(cpu, record);
  created.blobs[0]?.write([9, 10]);
  created.blobs[1]?.write([11, 12]);
  const { layers } = importNet({ net: await writeBlobs(net, record, created.blobs) });
  expect(layers.map(({ statistics }) => [...(statistics?.mean ?? []), ...(statistics?.variance ?? [])])).toEqual([
    [9, 10, 11, 12],
    [9, 10, 3, 4],
  ]);
  await expect(writeBlobs(netOf([]), record, created.blobs)).rejects.toThrow(
    /there is no layer "y" to write the blobs to/,
  );
  await expect(writeBlobs(net, record, created.blobs.slice(1))).rejects.toThrow(
    /2 blobs, expected 3: mean, variance, factor/,
  );
});
