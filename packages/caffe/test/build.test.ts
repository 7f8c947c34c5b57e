import { batchNormOf, buildModel, importModel, isNormRecord, type LayerRecord } from "@bn/onnx";
import { expect, test } from "vitest";
import { buildNet, importNet, readNet, readWeights, writeNet, writeWeights } from "../src/index.ts";
import { bytesOf, filesOf } from "./files.ts";

/** A record without its source and name. */
function plain(record: LayerRecord) {
  const { type, dtype, channels, axis, parameterShape, statistics, gamma, beta } = record;
  const norm = isNormRecord(record) ? { eps: record.eps, fraction: record.movingAverageFraction } : null;
  return { type, dtype, channels, axis, parameterShape, statistics, gamma, beta, norm };
}

/** Writes both files and reads them again. */
function reread(record: LayerRecord) {
  const { net, weights } = buildNet(record);
  const read = { net: readNet(writeNet(net)), weights: readWeights(writeWeights(weights)) };
  const { layers } = importNet(read);
  expect(importNet({ weights: read.weights }).layers.map(plain)).toEqual(layers.map(plain));
  return layers;
}

test.each(filesOf("trained.caffemodel"))(
  "%s: every layer goes into a network of its own and comes back to the bit",
  (path) => {
    for (const record of importNet({ weights: readWeights(bytesOf(path)) }).layers) {
      const [again, ...rest] = reread(record);
      expect(rest).toEqual([]);
      expect(again && plain(again)).toEqual(plain(record));
      expect(again?.source.nodes).toEqual(record.source.nodes);
    }
  },
);

test("a layer of an ONNX model", async () => {
  const values = (...numbers: number[]) => Float32Array.from(numbers);
  const own = batchNormOf([values(1, 2), values(3, 4), [1], values(5, 6), values(7, 8)], {
    eps: 1e-3,
    movingAverageFraction: 0.9,
  });
  const { layers } = await importModel(buildModel(own));
  const [again] = reread(layers[0] as LayerRecord);
  expect(again && plain(again)).toEqual(plain(layers[0] as LayerRecord));
});

test("a Scale over other axes, and one with two bottoms", () => {
  const scale = {
    type: "Scale",
    name: "sc",
    dtype: "float32",
    channels: 6,
    phase: "test",
    statistics: null,
    beta: null,
  } as const;
  const source = { format: "blobs", nodes: [], where: "" } as const;
  const gamma = Float32Array.of(1, 2, 3, 4, 5, 6);
  for (const axis of [1, -2]) {
    const [again] = reread({ ...scale, axis, parameterShape: [2, 3], gamma, source });
    expect(again).toMatchObject({ axis, parameterShape: [2, 3], gamma });
  }
  const { net } = buildNet({ ...scale, axis: 1, parameterShape: [2, 3], gamma: null, source });
  expect(net.message.layer.map(({ type, bottom }) => [type, ...bottom])).toEqual([
    ["Input"],
    ["Input"],
    ["Scale", "data", "scale"],
  ]);
});

test("what Caffe's BatchNorm cannot be is refused", () => {
  const one = Float32Array.of(1);
  const norm = batchNormOf([one, one, [1]], { name: "bn" });
  const refuses = (code: string, message: string) =>
    expect.objectContaining({ code, message: expect.stringContaining(message) });
  expect(() => buildNet({ ...norm, axis: -1 })).toThrow(
    refuses("ERR_BN_PARAM", 'buildNet "bn": its channels are on axis -1'),
  );
  expect(() => buildNet({ ...norm, parameterShape: [1, 2] })).toThrow(
    refuses("ERR_BN_PARAM", "one parameter per element of [1,2]"),
  );
  expect(() => buildNet(norm, { shape: [1, 2, 3] })).toThrow(
    refuses("ERR_BN_SHAPE", "shape is [1,2,3], expected sizes with [1] from axis 1 on"),
  );
  expect(() => buildNet(norm, { shape: [1] })).toThrow(refuses("ERR_BN_SHAPE", "shape is [1]"));
});
