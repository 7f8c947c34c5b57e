import { type ConvertedNet, convertNet, type Network, openNetwork, readNet, readWeights } from "@bn/caffe";
import { runModel } from "@bn/onnx/verify";
import { beforeAll, describe, expect, test } from "vitest";
import { worstRatio } from "./compare.ts";
import { exposed } from "./exposed.ts";
import { bytesOf, textOf } from "./files.ts";
import { readNpy } from "./npy.ts";
import { exactly, type Tensor } from "./reference/bounded.ts";
import { largestDifference, runLayer, runNetwork, spreadOf } from "./reference/network.ts";

/** The results that OpenCV computed. */
interface Judged {
  readonly layers: readonly { readonly layer: string; readonly file: string }[];
}

describe.each(["yoloface-50k", "landmark106"])("%s", (model) => {
  const path = `models/${model}`;
  const judged = JSON.parse(textOf(`${path}/outputs.json`)) as Judged;
  const files = {
    net: readNet(textOf(`${path}/${model}.prototxt`), { file: `${model}.prototxt` }),
    weights: readWeights(bytesOf(`${path}/${model}.caffemodel`), { file: `${model}.caffemodel` }),
  };
  let converted: ConvertedNet;
  let network: Network;
  let values: ReadonlyMap<string, Tensor>;
  let spread: ReadonlyMap<string, number>;
  let got: ReadonlyMap<string, { readonly data: unknown }>;

  beforeAll(async () => {
    converted = convertNet(files);
    network = openNetwork(files);
    const { shape, data } = readNpy(`${path}/input.npy`);
    const inputs = { data: exactly(shape, data) };
    values = runNetwork(network, inputs);
    spread = spreadOf(network, inputs, values, 2);
    got = await runModel(exposed(converted), { data: { type: "float32", shape, data } });
  });

  const expectNear = (layer: string, found: Float32Array) => {
    const key = `${network.layers.findIndex(({ name }) => name === layer)}.0`;
    expect(largestDifference(found, (values.get(key) as Tensor).value), layer).toBeLessThanOrEqual(
      spread.get(key) ?? 0,
    );
  };
  test("every layer, on what ONNX Runtime gave it, is within its own bound", () => {
    let compared = 0;
    for (const { layer, tensor } of converted.tops) {
      const found = network.layers.find(({ name }) => name === layer);
      if (!found) throw new Error(layer);
      const bottoms = found.bottoms.map((wire) => {
        const giver = network.layers[wire.layer];
        const top = converted.tops.find((one) => one.layer === giver?.name && one.blob === wire.blob);
        const seen = top && (got.get(top.tensor)?.data as Float32Array);
        return seen && exactly((values.get(`${wire.layer}.${wire.top}`) as Tensor).shape, seen);
      });
      // Skips inputs, and values inside of one node: a BatchNorm before its Scale.
      if (!bottoms.every((bottom) => bottom !== undefined)) continue;
      const [expected] = runLayer(found, bottoms);
      const { ratio, text } = worstRatio(got.get(tensor)?.data as Float32Array, expected as Tensor);
      expect(ratio, `${layer} ${text}`).toBeLessThanOrEqual(1);
      compared++;
    }
    expect(compared).toBeGreaterThan(40);
  });

  test("what ONNX Runtime gives in the end is as near to float64 as float32 runs are to each other", () => {
    expect(converted.outputs.length).toBe(1);
    for (const { blob, tensor } of converted.outputs) {
      const { name = "" } = network.layers.findLast(({ tops }) => tops.includes(blob)) ?? {};
      expectNear(name, got.get(tensor)?.data as Float32Array);
    }
  });

  test("so is OpenCV after every layer that it was asked about", () => {
    expect(judged.layers.length).toBeGreaterThan(0);
    for (const { layer, file } of judged.layers) expectNear(layer, readNpy(`${path}/${file}`).data);
  });
});
