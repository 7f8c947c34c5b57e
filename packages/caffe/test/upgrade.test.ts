import { equals } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { decodeBlob, LayerParameterSchema, readNet, readWeights, upgradeNet, writeNet } from "../src/index.ts";
import { bytesOf, textOf } from "./files.ts";

test("V1 becomes what Caffe's own upgrade makes of it", () => {
  const upgraded = upgradeNet(readNet(textOf("nets/v1_conv_relu_ip/deploy_v1.prototxt")));
  const expected = readNet(textOf("nets/v1_conv_relu_ip/deploy_upgraded.prototxt")).message;
  // That file has a hand-written Input layer named "input".
  for (const layer of expected.layer) if (layer.type === "Input") layer.name = "data";
  expect(writeNet({ ...upgraded, message: expected })).toBe(writeNet(upgraded));
});

test("V1 weights have the blobs of the current ones", () => {
  const [old, now] = ["v1", "v1_upgraded"].map((name) =>
    upgradeNet(readWeights(bytesOf(`nets/v1_conv_relu_ip/${name}.caffemodel`))),
  );
  const layers = now?.message.layer ?? [];
  expect(old?.message.layer.map(({ name, type }) => [name, type])).toEqual(
    layers.map(({ name, type }) => [name, type]),
  );
  for (const [i, layer] of layers.entries()) {
    const found = old?.message.layer[i];
    expect(found?.blobs.map((blob) => decodeBlob(blob))).toEqual(layer.blobs.map((blob) => decodeBlob(blob)));
    expect(found && equals(LayerParameterSchema, { ...found, blobs: [] }, { ...layer, blobs: [] })).toBe(true);
  }
});

test("three ParamSpecs of BatchNorm are zeros, whatever they say", () => {
  const text = (name: string) => textOf(`nets/conv_bn_scale_relu_ip/train_oldstyle_params${name}.prototxt`);
  const old = readNet(text(""));
  expect(writeNet(upgradeNet(old))).toBe(text(".upgraded"));
  expect(writeNet(old)).toBe(text(""));
});

test("weights in every form hold the same values", () => {
  const folder = "nets/conv_bn_scale_relu_ip";
  const read = (name: string) => readWeights(bytesOf(`${folder}/${name}.caffemodel`)).message.layer;
  const values = (name: string) => read(name).map((layer) => layer.blobs.map((blob) => [...decodeBlob(blob).data]));
  const trained = values("trained");
  for (const name of ["legacy4d", "unpacked", "double_data", "with_diff"]) expect(values(name)).toEqual(trained);
  const blobs = (name: string) => read(name).flatMap((layer) => layer.blobs.map((blob) => decodeBlob(blob)));
  expect(blobs("legacy4d").every(({ legacy, shape }) => legacy && shape.length === 4)).toBe(true);
  expect(blobs("with_diff").every(({ diff, data }) => diff?.length === data.length)).toBe(true);
  expect(blobs("double_data").every(({ data }) => data instanceof Float64Array)).toBe(true);
  expect(blobs("trained").every(({ data }) => data instanceof Float32Array)).toBe(true);
});
