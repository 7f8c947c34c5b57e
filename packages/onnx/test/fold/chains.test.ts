import { toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { packNumbers } from "../../src/graph/float-types.ts";
import { checkFold, foldModel } from "../../src/index.ts";
import { floatAttribute, intAttribute, modelOf, netOf, nodeOf, normOf, randoms, tensorOf, valuesOf } from "./net.ts";
import type { Numbers } from "./planted.ts";

/** One convolution with a normalization before it and two behind it, all of six channels. */
const C = 6;
const r = randoms(41);
const [first, one, two] = [normOf("first", C, 51), normOf("one", C, 55), normOf("two", C, 59)];
const original = netOf({
  input: [1, C, 5, 5],
  nodes: [first.node("x", "u"), nodeOf("Conv", "c", ["u", "w", "b"], ["z"]), one.node("z", "v"), two.node("v", "y")],
  tensors: [
    tensorOf("w", [C, C, 3, 3], r(C * C * 9)),
    tensorOf("b", [C], r(C, 1, 2)),
    ...[first, one, two].flatMap(({ tensors }) => tensors),
  ],
});
const of = (name: string) => valuesOf(original, name);
const numbers = (name: string): Numbers => ({
  ...{ gamma: of(`${name}.scale`), beta: of(`${name}.bias`), mean: of(`${name}.mean`) },
  ...{ variance: of(`${name}.var`), eps: Math.fround(1e-3) },
});
const RIGHT = { first: numbers("first"), one: numbers("one"), two: numbers("two"), w: of("w"), b: of("b") };
type Chain = typeof RIGHT;

const gainOf = ({ gamma, variance, eps }: Numbers) => gamma.map((g, c) => g / Math.sqrt(variance[c]! + eps));

/** Everything folded by hand: z = sum w ((x - m0) g0 + b0) + b, then both maps after it. */
function folded(chain: Partial<Chain> = {}, { sums = true } = {}) {
  const { first: f, one: n, two: m, w, b } = { ...RIGHT, ...chain };
  const [g0, g1, g2] = [gainOf(f), gainOf(n), gainOf(m)];
  const inputOf = (i: number) => Math.floor(i / 9) % C;
  const outputOf = (i: number) => Math.floor(i / (9 * C));
  const bias = b.map((own, o) => {
    const added = w.reduce(
      (sum, value, i) =>
        outputOf(i) === o ? sum + value * (f.beta[inputOf(i)]! - f.mean[inputOf(i)]! * g0[inputOf(i)]!) : sum,
      0,
    );
    const z = own + (sums ? added : 0);
    return ((z - n.mean[o]!) * g1[o]! + n.beta[o]! - m.mean[o]!) * g2[o]! + m.beta[o]!;
  });
  return { weights: w.map((value, i) => value * g0[inputOf(i)]! * g1[outputOf(i)]! * g2[outputOf(i)]!), bias };
}

async function judged({ weights, bias }: ReturnType<typeof folded>) {
  const model = modelOf((await foldModel(original)).bytes);
  for (const [name, values] of [
    ["w", weights],
    ["b", bias],
  ] as const) {
    const tensor = model.graph.initializer.find((found) => found.name === name);
    if (tensor) tensor.rawData = packNumbers(1, values);
  }
  const rows = await checkFold(original, toBinary(ModelProtoSchema, model));
  expect(rows).toHaveLength(1);
  return rows[0];
}

const NAMES = ["first", "one", "two"] as const;
const each = (values: readonly number[], to: (value: number, c: number) => number) => values.map(to);
const shifted = (values: readonly number[]) => values.map((_, c) => values[(c + 1) % C]!);

/** The mistakes that one normalization can have. */
const IN_ONE: readonly (readonly [string, (n: Numbers) => Partial<Numbers>])[] = [
  ["epsilon was left out of the root", () => ({ eps: 0 })],
  [`epsilon ${Math.fround(1e-5)} was used in place of ${Math.fround(1e-3)}`, () => ({ eps: 1e-5 })],
  [`epsilon 0.0310 was used in place of ${Math.fround(1e-3)}`, () => ({ eps: 0.031 })],
  ["gamma was lost", (n) => ({ gamma: each(n.gamma, () => 1) })],
  ["beta was lost", (n) => ({ beta: each(n.beta, () => 0) })],
  ["the mean was lost", (n) => ({ mean: each(n.mean, () => 0) })],
  ["the mean was added, not subtracted", (n) => ({ mean: each(n.mean, (m) => -m) })],
  [
    "the variance was used as a standard deviation",
    (n) => ({ variance: each(n.variance, (v) => (v + n.eps) ** 2), eps: 0 }),
  ],
  [
    "channels are shifted by 1",
    (n) => ({ gamma: shifted(n.gamma), beta: shifted(n.beta), mean: shifted(n.mean), variance: shifted(n.variance) }),
  ],
];

describe("several normalizations in one layer", () => {
  it("are right as we fold them, and as they are by hand", async () => {
    expect((await checkFold(original, (await foldModel(original)).bytes)).map(({ status }) => status)).toEqual([
      "right",
    ]);
    expect(await judged(folded())).toMatchObject({ status: "right", normalizations: ["first", "one", "two"] });
  });

  it.each(IN_ONE.flatMap(([mistake, change]) => NAMES.map((name) => [mistake, name, change] as const)))(
    "names: %s, in %s",
    async (mistake, name, change) => {
      const row = await judged(folded({ [name]: { ...RIGHT[name], ...change(RIGHT[name]) } }));
      expect(row).toMatchObject({ status: "wrong", mistake: `${mistake}, in "${name}"` });
    },
  );

  it("names what was done to every one of them", async () => {
    const all = (change: (n: Numbers) => Partial<Numbers>) =>
      Object.fromEntries(NAMES.map((name) => [name, { ...RIGHT[name], ...change(RIGHT[name]) }]));
    expect(await judged(folded(all(() => ({ eps: 0 }))))).toMatchObject({
      mistake: "epsilon was left out of the root, in every normalization",
    });
    expect(await judged(folded(all((n) => ({ gamma: each(n.gamma, () => 1) }))))).toMatchObject({
      mistake: "gamma was lost, in every normalization",
    });
  });

  it("names which was left out, applied twice, or taken for another", async () => {
    const nothing: Numbers = {
      gamma: each(RIGHT.one.gamma, () => 1),
      beta: each(RIGHT.one.beta, () => 0),
      mean: each(RIGHT.one.mean, () => 0),
      variance: each(RIGHT.one.variance, () => 1),
      eps: 0,
    };
    for (const name of NAMES) {
      expect(await judged(folded({ [name]: nothing }))).toMatchObject({
        status: "wrong",
        mistake: `"${name}" was left out`,
      });
    }
    expect(
      await judged(folded({ two: { ...RIGHT.two, mean: RIGHT.one.mean, variance: RIGHT.one.variance } })),
    ).toMatchObject({
      mistake: 'mean and variance are those of "one", in "two"',
    });
    expect(await judged(folded({ one: RIGHT.two, two: RIGHT.one }))).toMatchObject({
      mistake: "the normalizations were applied in reverse order",
    });
  });

  it("names what is missing in the bias", async () => {
    expect(await judged(folded({}, { sums: false }))).toMatchObject({
      mistake: "what the normalization before the layer adds was left out of the bias",
    });
    expect(await judged(folded({ b: each(RIGHT.b, () => 0) }))).toMatchObject({
      mistake: "the layer's own bias was lost",
    });
    const { weights } = folded();
    expect(await judged({ weights, bias: RIGHT.b })).toMatchObject({ mistake: "the bias was not folded" });
  });
});

it("a normalization that still stands is not part of the fold", async () => {
  const half = netOf({
    input: [1, C, 5, 5],
    nodes: [first.node("x", "u"), nodeOf("Conv", "c", ["u", "w", "b"], ["z"]), one.node("z", "y")],
    tensors: modelOf(original).graph.initializer,
  });
  const model = modelOf((await foldModel(half)).bytes);
  const last = model.graph.node.at(-1);
  if (last) last.output[0] = "v";
  model.graph.node.push({ ...two.node("v", "y"), name: "renamed" });
  model.graph.initializer.push(
    ...two.tensors
      .map((tensor) => ({ ...tensor, name: `${tensor.name}` }))
      .filter(({ name }) => !model.graph.initializer.some((there) => there.name === name)),
  );
  const rows = await checkFold(original, toBinary(ModelProtoSchema, model));
  expect(rows.map(({ status, normalizations }) => [status, normalizations])).toEqual([["right", ["first", "one"]]]);
});

it("a normalization that is gone and fits no layer is missing", async () => {
  const net = (norm: boolean) =>
    netOf({
      input: [1, C, 5, 5],
      nodes: [
        nodeOf("Relu", "r", ["x"], ["a"]),
        ...(norm ? [one.node("a", "y")] : [nodeOf("Identity", "i", ["a"], ["y"])]),
      ],
      tensors: one.tensors,
    });
  const rows = await checkFold(net(true), net(false));
  expect(rows).toMatchObject([
    { layer: "one", status: "missing", evidence: expect.stringMatching(/the normalization is gone/) },
  ]);
});

describe("Gemm", () => {
  const bn = normOf("bn", 4, 9);
  const gemm = netOf({
    input: [3, 4],
    nodes: [
      bn.node("x", "u"),
      nodeOf(
        "Gemm",
        "g",
        ["u", "w", "b"],
        ["y"],
        [floatAttribute("alpha", 0.5), floatAttribute("beta", 3), intAttribute("transB", 1)],
      ),
    ],
    tensors: [tensorOf("w", [5, 4], r(20)), tensorOf("b", [5], r(5, 1, 2)), ...bn.tensors],
  });
  const at = (name: string) => valuesOf(gemm, name);

  it("takes alpha into the sums of a fold before it, and names who forgets it, or beta", async () => {
    const { bytes } = await foldModel(gemm);
    expect(await checkFold(gemm, bytes)).toMatchObject([{ status: "right" }]);
    const g = at("bn.scale").map((s, c) => s / Math.sqrt(at("bn.var")[c]! + Math.fround(1e-3)));
    const sums = at("b").map((_, o) =>
      at("w")
        .slice(4 * o, 4 * o + 4)
        .reduce((sum, w, c) => sum + w * (at("bn.bias")[c]! - at("bn.mean")[c]! * g[c]!), 0),
    );
    for (const [mistake, bias] of [
      ["Gemm's alpha was ignored", at("b").map((b, o) => 3 * b + sums[o]!)],
      ["Gemm's beta was ignored", at("b").map((b, o) => b + 0.5 * sums[o]!)],
      ["Gemm's beta still multiplies the folded bias", at("b").map((b, o) => 3 * (3 * b + 0.5 * sums[o]!))],
    ] as const) {
      const model = modelOf(bytes);
      const tensor = model.graph.initializer.find(({ name }) => name === "b");
      if (tensor) tensor.rawData = packNumbers(1, bias);
      expect(await checkFold(gemm, toBinary(ModelProtoSchema, model))).toMatchObject([{ status: "wrong", mistake }]);
    }
  });
});

it.each([0, 1])("a MatMul whose Add holds %i's stays as it is, and folding ends", async (value) => {
  const net = netOf({
    input: [2, 3],
    nodes: [nodeOf("MatMul", "m", ["x", "w"], ["z"]), nodeOf("Add", "a", ["z", "b"], ["y"])],
    tensors: [tensorOf("w", [3, 4], r(12)), tensorOf("b", [4], new Float32Array(4).fill(value))],
  });
  const { rows } = await foldModel(net);
  expect(rows).toEqual([]);
});
