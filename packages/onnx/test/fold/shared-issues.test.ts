import { describe, expect, it } from "vitest";
import { checkFold, foldModel } from "../../src/index.ts";
import {
  floatAttribute,
  intAttribute,
  intsAttribute,
  netOf,
  nodeOf,
  normOf,
  randoms,
  tensorOf,
  valuesOf,
} from "./net.ts";

const r = randoms(77);
const EPS = Math.fround(1e-3);
const floats = (name: string, dims: readonly number[], values: readonly number[]) =>
  tensorOf(name, dims, Float32Array.from(values));

/** Folds as they were published, each by its own arithmetic. */
async function verdict(original: Uint8Array, folded: Uint8Array) {
  const [row, ...more] = await checkFold(original, folded);
  expect(more).toEqual([]);
  return row?.status === "right" ? "right" : row?.mistake;
}

describe("a transposed convolution in 4 groups, 8 inputs, 12 outputs", () => {
  const bn = normOf("bn", 12, 91);
  const layer = (y: string) =>
    nodeOf("ConvTranspose", "up", ["x", "w", "b"], [y], [intAttribute("group", 4), intsAttribute("strides", [2, 2])]);
  const [w, b] = [Array.from(r(8 * 3 * 9)), Array.from(r(12, 1, 2))];
  const tensors = [floats("w", [8, 3, 3, 3], w), floats("b", [12], b)];
  const original = netOf({
    input: [1, 8, 5, 5],
    nodes: [layer("z"), bn.node("z", "y")],
    tensors: [...tensors, ...bn.tensors],
  });
  const of = (name: string) => valuesOf(original, `bn.${name}`);
  const gain = of("scale").map((g, c) => g / Math.sqrt(of("var")[c]! + EPS));
  const bias = b.map((own, o) => (own - of("mean")[o]!) * gain[o]! + of("bias")[o]!);
  const folded = (channel: (c: number, o: number) => number, biases = bias) =>
    netOf({
      input: [1, 8, 5, 5],
      nodes: [layer("y")],
      tensors: [
        floats(
          "w",
          [8, 3, 3, 3],
          w.map((value, i) => value * gain[channel(Math.floor(i / 27), Math.floor(i / 9) % 3)]!),
        ),
        floats("b", [12], biases),
      ],
    });

  it.each([
    ["right", folded((c, o) => Math.floor(c / 2) * 3 + o)],
    ["every group takes the statistics of the first of 4, in the weights alone", folded((_, o) => o)],
    ["groups were mixed up: consecutive inputs were assigned to consecutive groups", folded((c, o) => (c % 4) * 3 + o)],
    [
      "channels of 3 groups are exchanged with their groups, in the weights alone",
      folded((c, o) => o * 4 + Math.floor(c / 2)),
    ],
    ["the biases are those of other channels", folded((c, o) => Math.floor(c / 2) * 3 + o, bias.toReversed())],
  ] as const)("%s", async (expected, bytes) => {
    expect(await verdict(original, bytes)).toBe(expected);
  });
});

describe("a Gemm with alpha and beta", () => {
  const bn = normOf("bn", 5, 93);
  const [w, b] = [Array.from(r(35)), Array.from(r(5, 1, 2))];
  const layer = (y: string, alpha: number, beta: number) =>
    nodeOf(
      "Gemm",
      "fc",
      ["x", "w", "b"],
      [y],
      [floatAttribute("alpha", alpha), floatAttribute("beta", beta), intAttribute("transB", 1)],
    );
  const original = netOf({
    input: [3, 7],
    nodes: [layer("z", 0.5, 0.25), bn.node("z", "y")],
    tensors: [floats("w", [5, 7], w), floats("b", [5], b), ...bn.tensors],
  });
  const of = (name: string) => valuesOf(original, `bn.${name}`);
  const gain = of("scale").map((g, c) => g / Math.sqrt(of("var")[c]! + EPS));
  const weights = (by: number) => w.map((value, i) => value * gain[Math.floor(i / 7)]! * by);
  const bias = (beta: number) => b.map((own, o) => (own * beta - of("mean")[o]!) * gain[o]! + of("bias")[o]!);
  const folded = (alpha: number, beta: number, by: number, biases: readonly number[]) =>
    netOf({
      input: [3, 7],
      nodes: [layer("y", alpha, beta)],
      tensors: [floats("w", [5, 7], weights(by)), floats("b", [5], biases)],
    });

  it.each([
    ["right", folded(0.5, 1, 1, bias(0.25))],
    ["right", folded(1, 1, 0.5, bias(0.25))],
    [
      "right",
      folded(
        0.5,
        0.25,
        1,
        bias(0.25).map((value) => value * 4),
      ),
    ],
    ["Gemm's beta was ignored", folded(0.5, 1, 1, bias(1))],
    ["Gemm's beta was ignored, and multiplies the folded bias", folded(0.5, 0.25, 1, bias(1))],
    ["Gemm's beta still multiplies the folded bias", folded(0.5, 0.25, 1, bias(0.25))],
    ["Gemm's alpha was lost", folded(1, 1, 1, bias(0.25))],
    ["Gemm's alpha was applied twice", folded(0.5, 1, 0.5, bias(0.25))],
  ] as const)("%s", async (expected, bytes) => {
    expect(await verdict(original, bytes)).toBe(expected);
  });
});

it("a fold is right whose network only adds up in another order (onnx/optimizer#255)", async () => {
  const bn = normOf("bn", 4, 95);
  const net = (nodes: Parameters<typeof netOf>[0]["nodes"], tensors: Parameters<typeof netOf>[0]["tensors"]) =>
    netOf({ input: [1, 3, 6, 6], nodes, tensors });
  const w = r(108);
  const original = net(
    [nodeOf("Conv", "c", ["x", "w"], ["z"]), bn.node("z", "y")],
    [tensorOf("w", [4, 3, 3, 3], w), ...bn.tensors],
  );
  // The arithmetic of that pass: scale / sqrt(var + eps) in float32, then w * s, and bias - mean * s.
  const of = (name: string) => valuesOf(original, `bn.${name}`);
  const f = Math.fround;
  const s = of("scale").map((g, c) => f(g / f(Math.sqrt(f(of("var")[c]! + EPS)))));
  const folded = net(
    [nodeOf("Conv", "", ["x", "v", "b"], ["y"])],
    [
      floats(
        "v",
        [4, 3, 3, 3],
        Array.from(w, (value, i) => f(value * s[Math.floor(i / 27)]!)),
      ),
      floats(
        "b",
        [4],
        s.map((gain, c) => f(of("bias")[c]! - f(of("mean")[c]! * gain))),
      ),
    ],
  );
  expect(await verdict(original, folded)).toBe("right");
  expect(await verdict(original, (await foldModel(original)).bytes)).toBe("right");
});
