import { type Backend, createBlob, type HostArray } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { setUpAdapter } from "@bn/gpu-setup";
import { buildModel, createLayer, importModel, isNormRecord, type NormRecord, quotients } from "@bn/onnx";
import { createWasm } from "@bn/wasm";
import { createWebGpu } from "@bn/webgpu";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type CaffeRecord,
  createLayers,
  importNet,
  readNet,
  readWeights,
  writeBlobs,
  writeWeights,
} from "../src/index.ts";
import { bytesOf, textOf } from "./files.ts";

beforeAll(async () => {
  await setUpAdapter();
});

const BACKENDS: readonly [string, () => Promise<Backend>][] = [
  ["cpu", () => createCpu()],
  ["wasm", () => createWasm()],
  ["webgpu", () => createWebGpu()],
];
const FILES = [
  ...["trained", "legacy4d", "unpacked", "with_diff", "double_data", "scale_factor_1000"].map(
    (name) => `conv_bn_scale_relu_ip/${name}`,
  ),
  "multi_bn_eps/trained",
  "bn_no_scale/trained",
  "ip_bn_scale/init",
  "double_conv_bn_scale/trained",
];

type Norm = CaffeRecord & NormRecord;

function normsOf(weights: ReturnType<typeof readWeights>): Norm[] {
  return importNet({ weights, phase: "train" }).layers.filter((record): record is Norm => isNormRecord(record));
}

/** Runs one step of training on `backend`, and returns the resulting blobs. */
async function step(backend: Backend, record: Norm) {
  const created = createLayers(backend, record);
  const shape = [4, record.channels, 2, 3];
  const [x, y] = [createBlob(backend, shape, record.dtype), createBlob(backend, undefined, record.dtype)];
  const count = shape.reduce((product, size) => product * size, 1);
  x.write(Array.from({ length: count }, (_, i) => Math.sin(i * i) * 3 + (i % 7)));
  const [layer] = created.layers;
  layer?.setUp([x], [y]);
  layer?.forward([x], [y]);
  y.writeDiff(Array.from({ length: count }, (_, i) => Math.cos(i)));
  layer?.backward([y], [true], [x]);
  const values: HostArray[] = [];
  for (const blob of created.blobs) values.push(await blob.read());
  return { created, values };
}

describe.each(BACKENDS)("%s", (_, create) => {
  test.each(FILES)("%s: after a step of training, Caffe, ONNX and a layer get the same bits", async (path) => {
    await using backend = await create();
    const weights = readWeights(bytesOf(`nets/${path}.caffemodel`), { file: path });
    const net = readNet(textOf(`nets/${path.split("/")[0]}/train.prototxt`));
    for (const [i, record] of normsOf(weights).entries()) {
      if (record.dtype === "float64" && !backend.supports.dtypes.includes("float64")) {
        expect(() => createLayers(backend, record)).toThrow(expect.objectContaining({ code: "ERR_BN_BACKEND" }));
        continue;
      }
      const { created, values } = await step(backend, record);
      expect(values[0]).not.toEqual(record.statistics.mean);
      const bytes = writeWeights(await writeBlobs(weights, record, created.blobs));
      const again = normsOf(readWeights(bytes))[i] as Norm;
      const { statistics, gamma, beta } = again;
      const found = [statistics.mean, statistics.variance, statistics.factor, gamma, beta];
      expect(found.filter((one) => one !== null)).toEqual(values.map((one, k) => (k === 2 ? one[0] : one)));
      // Everything that was not written is unchanged: other layers, and the forms of shapes.
      expect(importNet({ net, weights: readWeights(bytes) }).layers).toHaveLength(
        importNet({ net, weights }).layers.length,
      );
      expect(again.caffe.layers[0]?.blobs.map(({ shape, legacy }) => [shape, legacy])).toEqual(
        record.caffe.layers[0]?.blobs.map(({ shape, legacy }) => [shape, legacy]),
      );

      const { layers } = await importModel(buildModel(again, { training: false }));
      const divided = quotients(again);
      expect(layers[0]?.statistics).toEqual({ mean: divided.mean, variance: divided.variance, factor: 1 });
      const last = createLayer(backend, layers[0] as NonNullable<(typeof layers)[0]>);
      expect(await last.blobs[0]?.read()).toEqual(divided.mean);
      expect(await last.blobs[1]?.read()).toEqual(divided.variance);
      if (gamma) expect(await last.blobs[3]?.read()).toEqual(gamma);
      last.dispose();
      created.dispose();
    }
  });
});

/** Each side rounds x^, its product with gamma and the sum at most once, each by half a unit in the last place. */
const ROUNDINGS = 6 * 2 ** -24;

test("BatchNorm and Scale as two layers do what the fused one does, except for roundings", async () => {
  await using cpu = await createCpu();
  const weights = readWeights(bytesOf("nets/multi_bn_eps/trained.caffemodel"));
  for (const record of importNet({ weights }).layers) {
    const outputs: HostArray[] = [];
    for (const fused of [true, false]) {
      using created = createLayers(cpu, record, { fused });
      expect(created.layers).toHaveLength(fused ? 1 : 2);
      const x = createBlob(cpu, [2, record.channels, 3]);
      x.write(Array.from({ length: x.count() }, (_, i) => Math.sin(i)));
      for (const layer of created.layers) layer.setUp([x], [x]);
      for (const layer of created.layers) layer.forward([x], [x]);
      outputs.push(await x.read());
    }
    for (const [i, value] of (outputs[0] as HostArray).entries()) {
      const beta = Math.abs(record.beta?.[Math.floor(i / 3) % record.channels] ?? 0);
      expect(Math.abs(value - (outputs[1]?.[i] ?? Number.NaN))).toBeLessThanOrEqual(
        ROUNDINGS * (Math.abs(value) + 2 * beta),
      );
    }
  }
});
