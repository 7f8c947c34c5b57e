import { toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { packNumbers, roundTo } from "../../src/graph/float-types.ts";
import { type CheckFoldRow, checkFold, foldModel } from "../../src/index.ts";
import { floatAttribute, intAttribute, modelOf, netOf, nodeOf, normOf, randoms, tensorOf, valuesOf } from "./net.ts";

/**
 * Two grouped convolutions with the same number of channels, each followed by a normalization, as in a real network.
 */
const C = 12;
const r = randoms(21);
const [one, two] = [normOf("one", C, 31), normOf("two", C, 32)];
const EPS = Math.fround(1e-3);
const original = netOf({
  input: [1, C, 5, 5],
  nodes: [
    nodeOf("Conv", "c1", ["x", "w1", "b1"], ["z1"], [intAttribute("group", 3)]),
    one.node("z1", "v1"),
    nodeOf("Relu", "relu", ["v1"], ["v"]),
    nodeOf("Conv", "c2", ["v", "w2", "b2"], ["z2"], [intAttribute("group", 3)]),
    two.node("z2", "y"),
  ],
  tensors: [
    tensorOf("w1", [C, 4, 3, 3], r(C * 36)),
    tensorOf("b1", [C], r(C, 1, 2)),
    tensorOf("w2", [C, 4, 3, 3], r(C * 36)),
    tensorOf("b2", [C], r(C, 1, 2)),
    ...one.tensors,
    ...two.tensors,
  ],
});

const of = (name: string) => valuesOf(original, name);
const [w, b] = [of("w1"), of("b1")];
const [gamma, beta, mean, variance] = [of("one.scale"), of("one.bias"), of("one.mean"), of("one.var")];
const gain = gamma.map((g, c) => g / Math.sqrt(variance[c]! + EPS));
const each = (value: (c: number) => number) => Array.from({ length: C }, (_, c) => value(c));
const scaled = (by: readonly number[]) => w.map((value, i) => value * by[Math.floor(i / 36)]!);
const shifted = (by: readonly number[], mu = mean, bias = b, add = beta) =>
  each((c) => (bias[c]! - mu[c]!) * by[c]! + add[c]!);

/** The right fold, with other weights and bias in its first layer. */
async function planted(weights: readonly number[], bias: readonly number[]): Promise<Uint8Array> {
  const { bytes } = await foldModel(original);
  const model = modelOf(bytes);
  for (const [name, values] of [
    ["w1", weights],
    ["b1", bias],
  ] as const) {
    const tensor = model.graph.initializer.find((found) => found.name === name);
    if (!tensor) throw new Error(`no ${name}`);
    tensor.rawData = packNumbers(1, values);
  }
  return toBinary(ModelProtoSchema, model);
}

const noEps = gamma.map((g, c) => g / Math.sqrt(variance[c]!));
const otherEps = gamma.map((g, c) => g / Math.sqrt(variance[c]! + 1e-5));
const oddEps = gamma.map((g, c) => g / Math.sqrt(variance[c]! + 0.0123));
const noRoot = gamma.map((g, c) => g / (variance[c]! + EPS));
const inverse = gamma.map((g, c) => g * Math.sqrt(variance[c]! + EPS));
const noGamma = variance.map((v) => 1 / Math.sqrt(v + EPS));
const moved = (values: readonly number[], from: (c: number) => number) => each((c) => values[from(c)]!);
const shift = (c: number) => (c + 1) % C;
const group = (c: number) => (c % 3) * 4 + Math.floor(c / 3);
const [mean2, variance2] = [of("two.mean"), of("two.var")];
const gain2 = gamma.map((g, c) => g / Math.sqrt(variance2[c]! + EPS));
const half = (values: readonly number[]) => Array.from(roundTo(10, Float64Array.from(values)) ?? []);
const zeros = each(() => 0);

const PLANTED: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ["epsilon was left out of the root", scaled(noEps), shifted(noEps)],
  [`epsilon ${Math.fround(1e-5)} was used in place of ${EPS}`, scaled(otherEps), shifted(otherEps)],
  [`epsilon 0.0123 was used in place of ${EPS}`, scaled(oddEps), shifted(oddEps)],
  ["the variance was used as a standard deviation", scaled(noRoot), shifted(noRoot)],
  ["the root was multiplied by, not divided by", scaled(inverse), shifted(inverse)],
  ["gamma was lost", scaled(noGamma), shifted(noGamma)],
  ["beta was lost", scaled(gain), shifted(gain, mean, b, zeros)],
  ["the mean was lost", scaled(gain), shifted(gain, zeros)],
  [
    "the mean was added, not subtracted",
    scaled(gain),
    shifted(
      gain,
      mean.map((mu) => -mu),
    ),
  ],
  ["the layer's own bias was not scaled", scaled(gain), each((c) => b[c]! - mean[c]! * gain[c]! + beta[c]!)],
  ["the layer's own bias was lost", scaled(gain), shifted(gain, mean, zeros)],
  ["the weights were not scaled", w, shifted(gain)],
  ["the bias was not folded", scaled(gain), b],
  ["the bias is missing", scaled(gain), zeros],
  ["the normalization was applied twice", scaled(gain.map((g) => g * g)), shifted(gain, mean, shifted(gain))],
  [
    "channels are shifted by 1",
    scaled(moved(gain, shift)),
    shifted(moved(gain, shift), moved(mean, shift), b, moved(beta, shift)),
  ],
  [
    "channels of 3 groups are exchanged with their groups",
    scaled(moved(gain, group)),
    shifted(moved(gain, group), moved(mean, group), b, moved(beta, group)),
  ],
  ['mean and variance are those of "two"', scaled(gain2), shifted(gain2, mean2)],
  ["weights were rounded to float16", half(scaled(gain)), half(shifted(gain))],
];

const first = (rows: readonly CheckFoldRow[]) => rows[0] as CheckFoldRow;

describe("check-fold", () => {
  it("calls our own folds right", async () => {
    const { bytes } = await foldModel(original);
    const rows = await checkFold(original, bytes);
    expect(rows.map(({ layer, status }) => [layer, status])).toEqual([
      ['Conv "c1"', "right"],
      ['Conv "c2"', "right"],
    ]);
  });

  it.each(PLANTED)("names: %s", async (mistake, weights, bias) => {
    const rows = await checkFold(original, await planted(weights, bias));
    expect(first(rows)).toMatchObject({ status: "wrong", found: 'Conv "c1"', mistake });
    expect(rows[1]).toMatchObject({ status: "right" });
  });

  it("calls a fold in float32 right, and one bit of 2^-16 wrong", async () => {
    const f = Math.fround;
    const gain32 = gamma.map((g, c) => f(g / f(Math.sqrt(f(variance[c]! + EPS)))));
    const bias32 = each((c) => f(f(f(b[c]! - mean[c]!) * gain32[c]!) + beta[c]!));
    expect(first(await checkFold(original, await planted(scaled(gain32).map(f), bias32)))).toMatchObject({
      status: "right",
    });
    const weights = scaled(gain);
    weights[100] = weights[100]! * (1 + 2 ** -16);
    const row = first(await checkFold(original, await planted(weights, shifted(gain))));
    expect(row).toMatchObject({ status: "wrong", mistake: null, at: "weight 100" });
  });

  it("says what was not folded, and what is missing", async () => {
    expect((await checkFold(original, original)).map(({ status }) => status)).toEqual(["not folded", "not folded"]);
    const other = netOf({ input: [1], nodes: [], tensors: [] });
    expect((await checkFold(original, other)).map(({ status }) => status)).toEqual(["missing", "missing"]);
  });

  it("names Gemm's beta where that was ignored", async () => {
    const bn = normOf("bn", 5, 3);
    const gemm = netOf({
      input: [3, 4],
      nodes: [nodeOf("Gemm", "g", ["x", "w", "b"], ["z"], [floatAttribute("beta", 2)]), bn.node("z", "y")],
      tensors: [tensorOf("w", [4, 5], r(20)), tensorOf("b", [5], r(5, 1, 2)), ...bn.tensors],
    });
    const { bytes } = await foldModel(gemm);
    const model = modelOf(bytes);
    const at = (name: string) => valuesOf(gemm, name);
    const g = at("bn.scale").map((s, c) => s / Math.sqrt(at("bn.var")[c]! + EPS));
    const wrong = at("b").map((value, c) => (value - at("bn.mean")[c]!) * g[c]! + at("bn.bias")[c]!);
    const tensor = model.graph.initializer.find(({ name }) => name === "b");
    if (!tensor) throw new Error("no b");
    tensor.rawData = packNumbers(1, wrong);
    const rows = await checkFold(gemm, toBinary(ModelProtoSchema, model));
    expect(first(rows)).toMatchObject({ status: "wrong", mistake: "Gemm's beta was ignored" });
  });
});
