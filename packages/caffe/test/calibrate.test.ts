import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { importModel } from "@bn/onnx";
import { calibrateModel, dataOf } from "@bn/onnx/calibrate";
import { createRuntime } from "@bn/onnx/verify";
import { afterAll, describe, expect, it } from "vitest";
import { netCalibration } from "../src/calibrate/calibrate.ts";
import { openNet, openWeights } from "../src/file-system.ts";
import {
  type CaffeFile,
  convertNet,
  decodeBlob,
  encodeBlob,
  readNet,
  readWeights,
  writeWeights,
} from "../src/index.ts";
import { BATCH_NORM, netOf, SCALE } from "./nets.ts";

const runtime = createRuntime();
afterAll(() => runtime[Symbol.asyncDispose]());

/** Numbers that look like pixels, and are the same in every run. */
const pixels = (count: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898) * 2 + Math.sin(i / 50));
const values = (file: CaffeFile, layer: string) =>
  (file.message.layer.find(({ name }) => name === layer)?.blobs ?? []).map((blob) => Array.from(decodeBlob(blob).data));

describe("yoloface-50k, 23 BatchNorm + Scale", async () => {
  const at = (end: string) => fileURLToPath(new URL(`models/yoloface-50k/yoloface-50k.${end}`, import.meta.url));
  const files = { net: await openNet(at("prototxt")), weights: await openWeights(at("caffemodel")) };
  const [samples, batch] = [5, 2];
  const data = dataOf({ data: { type: "float32", shape: [samples, 3, 56, 56], data: pixels(samples * 3 * 56 * 56) } });

  it.each(["batch", "exact"] as const)(
    "mode %s: the statistics that its ONNX model gets, factor 1",
    { timeout: 60_000 },
    async (mode) => {
      const { bytes, rows } = await netCalibration(files).run(data, { batch, mode, runtime });
      expect(rows.filter(({ status }) => status === "recalibrated")).toHaveLength(23);
      const same = convertNet({ ...files, shapes: { data: [1, 3, 56, 56] } }).bytes;
      const one = await calibrateModel(same, data, { batch: 1, mode: "exact", runtime });
      const after = readWeights(bytes);
      for (const { name, statistics } of (await importModel(one.bytes)).layers) {
        const [mean, variance, factor] = values(after, name);
        expect(factor).toEqual([1]);
        expect([mean?.length, variance?.length]).toEqual([statistics.mean.length, statistics.variance.length]);
        if (mode === "batch") continue;
        // Other batch sizes merge in another order, which changes at most the last bit of the float32.
        for (const [c, value] of (variance ?? []).entries()) {
          const expected = statistics.variance[c] as number;
          expect(Math.abs(value - expected)).toBeLessThanOrEqual(2 ** -23 * 4 * expected);
        }
      }
    },
  );

  it("everything else stays, to the byte", { timeout: 60_000 }, async () => {
    const original = await readFile(at("caffemodel"));
    const { bytes } = await netCalibration({ ...files, nodes: (name) => name === "layer3-bn" }).run(data, {
      batch,
      runtime,
    });
    const after = readWeights(bytes);
    const changed = after.message.layer.filter((layer, i) => {
      const before = files.weights.message.layer[i]?.blobs ?? [];
      return layer.blobs.some((blob, b) => Buffer.compare(blob, before[b] as Uint8Array) !== 0);
    });
    expect(changed.map(({ name }) => name)).toEqual(["layer3-bn"]);
    (changed[0] as (typeof changed)[number]).blobs =
      files.weights.message.layer.find(({ name }) => name === "layer3-bn")?.blobs ?? [];
    expect(Buffer.compare(writeWeights(after), original)).toBe(0);
  });

  it("shards, of which one has the smaller last batch, merge to the same bytes", { timeout: 60_000 }, async () => {
    const { run, part, merge } = netCalibration(files);
    const whole = await run(data, { batch, runtime });
    const parts = [];
    for (const index of [2, 1])
      parts.push({ name: `part ${index}`, part: await part(data, { index, count: 2 }, { batch, runtime }) });
    expect(Buffer.compare((await merge(parts)).bytes, whole.bytes)).toBe(0);
    const other = netCalibration({ ...files, weights: readWeights(whole.bytes) });
    await expect(other.merge(parts)).rejects.toThrow("part 2 is of a model with SHA-256");
  });
});

describe("small networks", () => {
  /** Channels 1, 2, 3, 6 (mean 3, squares 14) and 0, 0, 4, 4 (mean 2, squares 16). */
  const data = dataOf({ x: { type: "float32", shape: [2, 2, 1, 2], data: Float32Array.of(1, 2, 0, 0, 3, 6, 4, 4) } });
  const [mean, variance] = [[3, 2], [14 / 3, 16 / 3].map(Math.fround)];
  const run = (weights: CaffeFile, options = {}) =>
    netCalibration({ net: weights, weights, shapes: { x: [2, 2, 1, 2] }, ...options }).run(data, { runtime });

  it("blobs keep their form: doubles, legacy shapes, no gamma touched", async () => {
    const weights = netOf([
      { name: "bn", text: BATCH_NORM, blobs: [[8, 8], [4, 4], [4]] },
      {
        name: "scale",
        text: SCALE,
        blobs: [
          [5, 6],
          [7, 8],
        ],
      },
    ]);
    const layer = weights.message.layer[0] as { blobs: Uint8Array[] };
    layer.blobs[0] = encodeBlob({ shape: [1, 1, 1, 2], data: Float64Array.of(8, 8), legacy: true });
    const after = readWeights((await run(weights)).bytes);
    expect(values(after, "bn")).toEqual([mean, variance, [1]]);
    expect(values(after, "scale")).toEqual([
      [5, 6],
      [7, 8],
    ]);
    const first = decodeBlob(after.message.layer[0]?.blobs[0] as Uint8Array);
    expect([first.legacy, first.stored]).toEqual([true, "float64"]);
  });

  it.each([
    [
      "bn-variance",
      "BN",
      [
        [1, 1],
        [0, 0],
        [5, 5],
        [9, 9],
      ],
      [[1, 1], [0, 0], mean, variance],
    ],
    [
      "bn-inverse-std",
      "BN",
      [
        [1, 1],
        [0, 0],
        [5, 5],
        [9, 9],
      ],
      [[1, 1], [0, 0], mean, variance.map((one) => Math.fround(1 / Math.sqrt(one)))],
    ],
    ["mean-first", "BatchNorm", [[5, 5], [9, 9], [3]], [mean, variance, [3]]],
  ] as const)("dialect %s", async (dialect, type, blobs, expected) => {
    const weights = netOf([
      { name: "bn", text: `type: "${type}" bottom: "x" top: "x"`, blobs: blobs.map((values) => [...values]) },
    ]);
    const after = readWeights((await run(weights, { dialect })).bytes);
    expect(values(after, "bn")).toEqual(expected);
  });

  it("1 / std of a constant channel is refused", async () => {
    const weights = netOf([
      {
        name: "bn",
        text: 'type: "BN" bottom: "x" top: "x"',
        blobs: [
          [1, 1],
          [0, 0],
          [5, 5],
          [9, 9],
        ],
      },
    ]);
    const constant = dataOf({
      x: { type: "float32", shape: [2, 2, 1, 2], data: Float32Array.of(1, 2, 4, 4, 3, 6, 4, 4) },
    });
    const calibration = netCalibration({
      net: weights,
      weights,
      dialect: "bn-inverse-std",
      shapes: { x: [2, 2, 1, 2] },
    });
    await expect(calibration.run(constant, { runtime })).rejects.toThrow(
      'layer "bn" stores 1 / std, and channel 1 is constant',
    );
  });

  it("layers that share their statistics are left, and named", async () => {
    const param = 'param { name: "m" } param { name: "v" } param { name: "f" }';
    const blobs = [[5, 5], [9, 9], [1]];
    const weights = netOf([
      { name: "a", text: `${BATCH_NORM} ${param}`, blobs },
      { name: "b", text: `${BATCH_NORM} ${param}`, blobs },
      { name: "c", text: BATCH_NORM, blobs },
    ]);
    const { rows } = await run(weights);
    expect(rows.map(({ node, status }) => `${node} ${status}`)).toEqual(["c recalibrated", "a left", "b left"]);
    expect(rows[1]?.reason).toContain(
      'shares its mean, parameter "m", with "b": one blob cannot hold the statistics of both',
    );
  });

  it("a network that a batch does not fit", async () => {
    const net = readNet(`input: "x" input_shape { dim: 1 dim: 2 dim: 1 dim: 2 }
      layer { name: "flat" type: "Reshape" bottom: "x" top: "r" reshape_param { shape { dim: 1 dim: 2 dim: 2 } } }
      layer { name: "bn" type: "BatchNorm" bottom: "r" top: "y" }`);
    (net.message.layer[1] as { blobs: Uint8Array[] }).blobs = [[5, 5], [9, 9], [1]].map((one) =>
      encodeBlob({ shape: [one.length], data: Float32Array.from(one) }),
    );
    await expect(netCalibration({ net, weights: net }).run(data, { batch: 2, runtime })).rejects.toThrow(
      /"flat" \(Reshape\)/,
    );
  });
});
