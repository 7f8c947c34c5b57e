import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "vitest";
import {
  decodeBlob,
  encodeBlob,
  importNet,
  openNetwork,
  readNet,
  readWeights,
  replaceData,
  writeWeights,
} from "../src/index.ts";
import { bytesOf } from "./files.ts";
import { BATCH_NORM, netOf } from "./nets.ts";

const refuses = (message: string | RegExp, code = "ERR_BN_DATA") =>
  expect.objectContaining({
    name: "BnError",
    code,
    message: typeof message === "string" ? expect.stringContaining(message) : expect.stringMatching(message),
  });

const WEIGHTS = bytesOf("nets/conv_bn_scale_relu_ip/trained.caffemodel");
const field = (number: number, bytes: Uint8Array | string) =>
  new BinaryWriter()
    .tag(number, 2)
    .bytes(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes)
    .finish();
const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

describe("weights", () => {
  test.each<[string, Uint8Array, string]>([
    ["empty", new Uint8Array(0), "w.caffemodel: the file is empty, expected a .caffemodel"],
    [
      "a text",
      new TextEncoder().encode('name: "net"\nlayer { name: "a" }'),
      "w.caffemodel: text, expected a binary .caffemodel; pass a .prototxt as the network (--net)",
    ],
    ["a web page", new TextEncoder().encode("<!DOCTYPE html><html>"), "do not decode"],
    ["truncated in a blob", WEIGHTS.subarray(0, 2000), "truncated, or not a .caffemodel; fetch the file again"],
    [
      "an end of a group, with which Caffe ends in an empty net",
      Uint8Array.of(0x74, 0x65, 0x78, 0x74, 0x0a),
      "do not decode",
    ],
    ["no layer", field(1, "net"), "5 bytes without a layer, expected a .caffemodel"],
    [
      "a length beyond the file",
      Uint8Array.of(0xa2, 0x06, 0xff, 0xff, 0xff, 0xff, 0x0f),
      "field 100 has a length of 4294967295 bytes, and 0 are left",
    ],
    [
      "a name that is no UTF-8",
      field(100, field(1, Uint8Array.of(0xc4, 0xe3))),
      "LayerParameter.name is text that is not UTF-8",
    ],
    ["groups in groups", new Uint8Array(5000).fill(0x0b), "do not decode"],
  ])("%s", (_, bytes, message) => {
    expect(() => readWeights(bytes, { file: "w.caffemodel" })).toThrow(refuses(message));
  });

  test("every prefix of a file is refused or is a net of fewer layers", () => {
    const all = readWeights(WEIGHTS).message.layer.length;
    let refused = 0;
    for (let length = 0; length < WEIGHTS.length; length++) {
      try {
        expect(readWeights(WEIGHTS.subarray(0, length)).message.layer.length).toBeLessThan(all);
      } catch (error) {
        expect(error).toEqual(refuses(/^weights: /));
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(WEIGHTS.length - all - 2);
  });

  test("a million fields where each takes memory are refused, and not a byte is kept of what is declared alone", () => {
    const many = new Uint8Array(Buffer.alloc(6_000_000, Uint8Array.of(0xa2, 0x06, 0x00)));
    expect(() => readWeights(many)).toThrow(refuses("made to exhaust memory"));
    const deep = Array.from({ length: 120 }).reduce<Uint8Array>(
      (inner) => field(100, field(106, field(7, inner))),
      field(1, "x"),
    );
    expect(() => readWeights(deep)).not.toThrow(); // a filler has no field 100, so it is kept as unknown
  });

  test("a field of another wire type is a fork's: kept, and written again", () => {
    // 148 is ClipParameter here, but PermuteParameter in one fork: { order: 0 order: 2 }.
    const fork = field(100, join(field(1, "permute"), field(148, Uint8Array.of(0x08, 0x00, 0x08, 0x02))));
    const read = readWeights(fork);
    expect(read.message.layer[0]?.clipParam?.$unknown).toHaveLength(2);
    expect(Buffer.compare(writeWeights(read), fork)).toBe(0);
    const group = field(100, join(field(1, "g"), Uint8Array.of(0xfb, 0x3f, 0x08, 0x01, 0xfc, 0x3f)));
    expect(Buffer.compare(writeWeights(readWeights(group)), group)).toBe(0);
  });
});

describe("blobs", () => {
  const shape = (...dims: number[]) => {
    const packed = new BinaryWriter();
    for (const dim of dims) packed.int64(dim);
    return field(7, field(1, packed.finish()));
  };
  const floats = (count: number) => field(5, new Uint8Array(4 * count));

  test.each<[string, Uint8Array, string]>([
    [
      "too few values",
      join(shape(3), floats(2)),
      "b: shape [3] has 3 values, and data has 2: the file is truncated, or damaged",
    ],
    [
      "no values",
      shape(3),
      "b: shape [3] has 3 values, and the file holds no values; pass a file with trained weights",
    ],
    ["a gigantic shape", join(shape(2 ** 31, 2 ** 31, 2 ** 31), floats(1)), "expected at most 2147483647 as in Caffe"],
    ["a shape beyond numbers", join(shape(2 ** 53, 2 ** 53), floats(1)), "expected at most 2147483647"],
    ["a negative size", join(shape(-1, 2), floats(2)), "shape [-1,2] has the size -1, expected 0 or more"],
    ["33 axes", join(shape(...new Array<number>(33).fill(1)), floats(1)), "has more than 32 axes, Caffe's limit"],
    ["5 bytes of floats", join(shape(1), field(5, new Uint8Array(5))), "field 5 has 5 bytes, expected a multiple of 4"],
    [
      "raw_data of integers",
      join(shape(1), Uint8Array.of(0x50, 3), field(12, new Uint8Array(4))),
      "raw_data is of type 3, expected 0 (double), 1 (float) or 2 (float16)",
    ],
    [
      "raw_data of 3 bytes",
      join(shape(1), Uint8Array.of(0x50, 2), field(12, new Uint8Array(3))),
      "raw_data has 3 bytes, expected a multiple of 2",
    ],
    [
      "a shape that does not decode",
      join(field(7, Uint8Array.of(0x0a, 0x01, 0xff)), floats(1)),
      "its shape does not decode",
    ],
    ["no message", Uint8Array.of(0x07), "1 bytes that are not a blob"],
  ])("%s", (_, bytes, message) => {
    expect(() => decodeBlob(bytes, "b")).toThrow(refuses(message));
  });

  test("forms that Caffe reads", () => {
    const writer = new BinaryWriter();
    for (const value of [1, 2, 3]) writer.tag(5, 5).float(value);
    const unpacked = writer.finish();
    expect(decodeBlob(join(shape(3), unpacked)).data).toEqual(Float32Array.of(1, 2, 3));
    const mixed = join(field(5, new Uint8Array(Float32Array.of(7).buffer)), shape(4), unpacked);
    expect(decodeBlob(mixed).data).toEqual(Float32Array.of(7, 1, 2, 3));
    // double_data has priority over data, and a blob without a shape is a scalar.
    const both = join(field(5, new Uint8Array(4)), field(8, new Uint8Array(Float64Array.of(0.1).buffer)));
    expect(decodeBlob(both)).toMatchObject({ shape: [], data: Float64Array.of(0.1) });
    const half = join(
      shape(3),
      Uint8Array.of(0x50, 2),
      field(12, new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x0001).buffer)),
    );
    expect(decodeBlob(half)).toMatchObject({ stored: "float16", data: Float32Array.of(1, -2, 2 ** -24) });
    // The file must also work at an unaligned offset.
    const odd = new Uint8Array(mixed.length + 1).subarray(1);
    odd.set(mixed);
    expect(decodeBlob(odd).data).toEqual(decodeBlob(mixed).data);
  });

  test("other numbers in the same form", () => {
    const legacy = encodeBlob({
      shape: [1, 1, 1, 2],
      data: Float32Array.of(1, 2),
      diff: Float32Array.of(3, 4),
      legacy: true,
    });
    const extra = join(legacy, field(99, "of a fork"));
    const changed = replaceData(extra, Float32Array.of(5, 6));
    expect(decodeBlob(changed)).toEqual({
      shape: [1, 1, 1, 2],
      legacy: true,
      stored: "float32",
      data: Float32Array.of(5, 6),
      diff: null,
    });
    expect(Buffer.from(changed).includes("of a fork")).toBe(true);
    expect(decodeBlob(replaceData(legacy, [0.5, 6])).stored).toBe("float32");
    expect(decodeBlob(replaceData(legacy, Float64Array.of(0.1, 6)))).toMatchObject({
      stored: "float64",
      data: Float64Array.of(0.1, 6),
    });
    expect(() => replaceData(legacy, [1], "b")).toThrow(
      refuses("b: got 1 values, expected 2 as in the file", "ERR_BN_SHAPE"),
    );
  });
});

describe("networks", () => {
  const open = (text: string) => () => openNetwork({ net: readNet(text, { file: "n.prototxt" }) });

  test.each<[string, string, string]>([
    [
      "a bottom without a top",
      'layer { name: "a" type: "ReLU" bottom: "x" }',
      'n.prototxt:1:7: layer "a" (ReLU): bottom "x" is not the top of an earlier layer (no layer computes it)',
    ],
    [
      "a cycle",
      'layer { name: "a" type: "ReLU" bottom: "y" top: "x" }\nlayer { name: "b" type: "ReLU" bottom: "x" top: "y" }',
      'n.prototxt:1:7: layer "a" (ReLU): bottom "y" is not the top of an earlier layer (layer "b" computes it, after this layer or in another phase)',
    ],
    [
      "its own bottom",
      'layer { name: "a" type: "ReLU" bottom: "x" top: "x" }',
      'layer "a" computes it, after this layer',
    ],
    [
      "two makers",
      'input: "x" layer { name: "a" type: "ReLU" bottom: "x" top: "y" } layer { name: "b" type: "ReLU" bottom: "x" top: "y" }',
      'top "y" is already a top of another layer',
    ],
    [
      "both rules",
      'layer { name: "a" include { } exclude { } }',
      'n.prototxt:1:7: layer "a" has include and exclude rules, expected only one kind',
    ],
    [
      "both kinds of layers",
      'layer { name: "a" } layers { name: "b" }',
      "1 of `layer` and 1 of the older `layers`, expected one of the two",
    ],
    [
      "input_dim",
      'input: "x" input_dim: 1 input_dim: 2 layer { name: "a" }',
      "n.prototxt: 2 input_dim for 1 input, expected 4, four per input",
    ],
    [
      "input_shape",
      'input: "x" input: "y" input_shape { dim: 1 } layer { name: "a" }',
      "1 input_shape for 2 input, expected 2",
    ],
    [
      "padding before another",
      'layers { layer { name: "p" type: "padding" pad: 1 } bottom: "x" top: "y" } layers { layer { name: "r" type: "relu" } bottom: "y" top: "z" }',
      'layer "r" of type relu after a padding layer',
    ],
  ])("%s", (_, text, message) => {
    expect(open(text)).toThrow(refuses(message));
  });

  test("neither file", () => {
    expect(() => openNetwork({})).toThrow(refuses("neither net nor weights were given", "ERR_BN_PARAM"));
  });

  test("a blob that does not decode names its file, layer and number", () => {
    const net = netOf([{ name: "bn", text: BATCH_NORM, blobs: [[1], [2], [3]] }]);
    const layer = net.message.layer[0];
    if (layer) layer.blobs = layer.blobs.with(1, Uint8Array.of(0x2a, 0x03, 1, 2, 3));
    expect(() => importNet({ net })).toThrow(
      refuses('made.prototxt: layer "bn" (BatchNorm), blob 1: field 5 has 3 bytes'),
    );
  });
});
