import { toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { afterAll, describe, expect, it } from "vitest";
import { packNumbers, roundTo } from "../../src/graph/float-types.ts";
import { foldModel } from "../../src/index.ts";
import { createRuntime, proofPassed, proveFold } from "../../src/verify/index.ts";
import { GEOMETRIES } from "./geometries.ts";
import { CHAINS, KINDS } from "./kinds.ts";
import {
  floatAttribute,
  intAttribute,
  intsAttribute,
  modelOf,
  netOf,
  nodeOf,
  normOf,
  randoms,
  tensorOf,
} from "./net.ts";

const runtime = createRuntime();
afterAll(() => runtime[Symbol.asyncDispose]());

async function proven(bytes: Uint8Array, options = {}) {
  const { bytes: folded } = await foldModel(bytes, options);
  return proveFold(bytes, folded, { runtime, fold: options });
}

it.each([...KINDS, ...CHAINS, ...GEOMETRIES])(
  "$name: every layer is within its bounds, and so is the original",
  async ({ net }) => {
    const proof = await proven(netOf(net));
    expect(proof.rows.map(({ status, reason }) => [status, reason])).toEqual([["passed", ""]]);
    const [row] = proof.rows;
    for (const found of [row?.layerOnly, row?.float64, row?.original, row?.network])
      expect(found?.ratio).toBeLessThanOrEqual(1);
    // The bound must be small, because a loose one would hold for any result; these sums are short.
    expect(row?.float64?.bound).toBeLessThan(1e-3 * Math.max(1, Math.abs(row?.float64?.expected ?? 0)));
    expect(row?.samples).toBeGreaterThan(3);
    expect(proofPassed(proof)).toBe(true);
  },
);

const r = randoms(5);
const bn = normOf("bn", 4, 5);
const again = normOf("again", 4, 6);
const w = tensorOf("w", [4, 3, 3, 3], r(108));
const b = tensorOf("b", [4], r(4, 1, 2));
const plain = netOf({
  input: [2, 3, 6, 5],
  nodes: [nodeOf("Conv", "c", ["x", "w", "b"], ["z"]), bn.node("z", "v"), again.node("v", "y")],
  tensors: [w, b, ...bn.tensors, ...again.tensors],
});

/** The folded model with a further change. */
async function spoilt(change: (model: ReturnType<typeof modelOf>) => void): Promise<Uint8Array> {
  const model = modelOf((await foldModel(plain)).bytes);
  change(model);
  return toBinary(ModelProtoSchema, model);
}

describe("a fold that is wrong", () => {
  it("fails by its weights, however small the error is", async () => {
    const folded = await spoilt(({ graph }) => {
      const tensor = graph.initializer.find(({ name }) => name === "w");
      const view = new DataView((tensor as { rawData: Uint8Array }).rawData.slice().buffer);
      view.setFloat32(0, view.getFloat32(0, true) * (1 + 2 ** -18), true);
      if (tensor) tensor.rawData = new Uint8Array(view.buffer);
    });
    const [row] = (await proveFold(plain, folded, { runtime })).rows;
    expect(row).toMatchObject({ status: "failed", weights: { status: "wrong", at: "weight 0" } });
  });

  it("fails by its outputs where the weights are right and the node is another", async () => {
    const folded = await spoilt(({ graph }) => {
      graph.node[0]?.attribute.push(intsAttribute("pads", [1, 0, 0, 1]), intsAttribute("dilations", [1, 1]));
      if (graph.node[0]) graph.node[0].attribute[0] = intsAttribute("pads", [1, 0, 1, 0]);
    });
    const proof = await proveFold(plain, folded, { runtime });
    expect(proof.rows[0]).toMatchObject({
      status: "failed",
      reason: expect.stringMatching(/values, and the original/),
    });
    expect(proof.outputs[0]?.reason).toMatch(/shape/);
  });

  it("fails where it is not finite and the original is", async () => {
    const folded = await spoilt(({ graph }) => {
      const tensor = graph.initializer.find(({ name }) => name === "b");
      if (tensor) tensor.rawData = packNumbers(1, [Number.NaN, 1, 1, 1]);
    });
    const proof = await proveFold(plain, folded, { runtime });
    expect(proof.rows[0]?.status).toBe("failed");
    expect(proof.outputs[0]?.reason).toMatch(/not finite where the original's are/);
    expect(proofPassed(proof)).toBe(false);
  });
});

describe("what is left", () => {
  it("is not part of the proof: a layer that was not folded, and a normalization that still stands", async () => {
    const none = await proveFold(plain, plain, { runtime });
    expect(none.rows).toEqual([]);
    const folded = netOf({
      input: [2, 3, 6, 5],
      nodes: [nodeOf("Conv", "c", ["x", "w", "b"], ["z"]), bn.node("z", "y")],
      tensors: [w, b, ...bn.tensors],
    });
    const { bytes } = await foldModel(folded);
    const half = modelOf(bytes);
    const last = half.graph.node.at(-1);
    if (last) last.output[0] = "v";
    half.graph.node.push(again.node("v", "y"));
    half.graph.initializer.push(...again.tensors);
    const { rows } = await proveFold(plain, toBinary(ModelProtoSchema, half), { runtime });
    expect(rows.map(({ normalizations, status }) => [normalizations, status])).toEqual([[["bn"], "passed"]]);
  });
});

describe("digits that cancel", () => {
  it.each([0, 2, 4])("10^%i times the spread: measured, channel by channel", async (power) => {
    const far = bn.tensors.map((tensor) =>
      tensor.name === "bn.mean" ? tensorOf("bn.mean", [4], Float32Array.of(0, 0, 10 ** power, 0)) : tensor,
    );
    const shift = tensorOf("b", [4], Float32Array.of(0, 0, 0, 0));
    // An input for which channel 2 is as large as its mean.
    const ones = tensorOf(
      "w",
      [4, 3, 3, 3],
      new Float32Array(108).map((_, i) => (i % 27 === 0 ? 1 : 0)),
    );
    const net = netOf({
      input: [1, 3, 8, 8],
      nodes: [nodeOf("Conv", "c", ["x", "w", "b"], ["z"]), bn.node("z", "y")],
      tensors: [ones, shift, ...far],
    });
    const data = Float32Array.from({ length: 192 }, (_, i) => (i < 64 ? 10 ** power : 0) + Math.sin(i));
    const { bytes: folded } = await foldModel(net);
    const feeds = { x: { type: "float32", shape: [1, 3, 8, 8], data } };
    const { rows } = await proveFold(net, folded, { runtime, feeds });
    const [row] = rows;
    expect(row?.status).toBe("passed");
    if (power < 1) return expect(row?.lostDigits).toBeLessThan(1);
    expect(row?.lostChannels[0]?.channel).toBe(2);
    expect(Math.abs((row?.lostDigits ?? 0) - power)).toBeLessThan(1);
  });
});

describe("narrow and wide types", () => {
  const cast = (type: number, tensor: (typeof bn.tensors)[number]) => {
    const values = Float64Array.from(new Float32Array(tensor.rawData.slice().buffer));
    return { ...tensor, dataType: type, rawData: packNumbers(type, roundTo(type, values) as Float64Array) };
  };

  it.each([
    ["float16", 10, "Conv"],
    ["float64", 11, "MatMul"],
  ] as const)("%s", async (dtype, type, op) => {
    const net =
      op === "Conv"
        ? {
            input: [2, 3, 6, 5],
            nodes: [nodeOf("Conv", "c", ["x", "w", "b"], ["z"]), bn.node("z", "y")],
            tensors: [w, b, ...bn.tensors],
          }
        : {
            input: [5, 3],
            nodes: [nodeOf("MatMul", "c", ["x", "m"], ["z"]), bn.node("z", "y")],
            tensors: [tensorOf("m", [3, 4], r(12)), ...bn.tensors],
          };
    const bytes = netOf({ ...net, tensors: net.tensors.map((tensor) => cast(type, tensor)) });
    const proof = await proven(bytes);
    expect(proof.rows.map(({ status, reason, dtype: own }) => [status, reason, own])).toEqual([["passed", "", dtype]]);
  });
});

describe("networks", () => {
  it("a residual one with grouped, depthwise and transposed layers, an inner product at its end", async () => {
    const norm = (name: string, channels: number, seed: number) => normOf(name, channels, seed);
    const [n1, n2, n3, n4, n5] = [
      norm("n1", 8, 1),
      norm("n2", 8, 2),
      norm("n3", 8, 3),
      norm("n4", 8, 4),
      norm("n5", 5, 7),
    ];
    const q = randoms(17);
    const bytes = netOf({
      input: [2, 3, 8, 8],
      nodes: [
        nodeOf("Conv", "stem", ["x", "w1"], ["z1"], [intsAttribute("pads", [1, 1, 1, 1])]),
        n1.node("z1", "v1"),
        nodeOf("Relu", "r1", ["v1"], ["a1"]),
        nodeOf(
          "Conv",
          "grouped",
          ["a1", "w2"],
          ["z2"],
          [intAttribute("group", 4), intsAttribute("pads", [1, 1, 1, 1])],
        ),
        n2.node("z2", "v2"),
        nodeOf("Relu", "r2", ["v2"], ["a2"]),
        nodeOf(
          "Conv",
          "depthwise",
          ["a2", "w3"],
          ["z3"],
          [intAttribute("group", 8), intsAttribute("pads", [1, 1, 1, 1])],
        ),
        n3.node("z3", "v3"),
        nodeOf("Add", "sum", ["v3", "a1"], ["s"]),
        nodeOf("Relu", "r3", ["s"], ["a3"]),
        nodeOf(
          "ConvTranspose",
          "up",
          ["a3", "w4"],
          ["z4"],
          [intAttribute("group", 2), intsAttribute("strides", [2, 2])],
        ),
        n4.node("z4", "v4"),
        nodeOf("GlobalAveragePool", "pool", ["v4"], ["p"]),
        nodeOf("Flatten", "flat", ["p"], ["f"]),
        nodeOf(
          "Gemm",
          "fc",
          ["f", "w5", "b5"],
          ["z5"],
          [floatAttribute("alpha", 0.5), floatAttribute("beta", 2), intAttribute("transB", 1)],
        ),
        n5.node("z5", "y"),
      ],
      tensors: [
        tensorOf("w1", [8, 3, 3, 3], q(216)),
        tensorOf("w2", [8, 2, 3, 3], q(144)),
        tensorOf("w3", [8, 1, 3, 3], q(72)),
        tensorOf("w4", [8, 4, 2, 2], q(128)),
        tensorOf("w5", [5, 8], q(40)),
        tensorOf("b5", [5], q(5)),
        ...[n1, n2, n3, n4, n5].flatMap(({ tensors }) => tensors),
      ],
    });
    const proof = await proven(bytes);
    expect(proof.rows.map(({ layer, status, reason }) => [layer, status, reason])).toEqual(
      ['Conv "stem"', 'Conv "grouped"', 'Conv "depthwise"', 'ConvTranspose "up"', 'Gemm "fc"'].map((layer) => [
        layer,
        "passed",
        "",
      ]),
    );
    expect(proof.outputs).toHaveLength(1);
    expect(proof.outputs[0]?.error).toBeLessThan(1e-3 * (proof.outputs[0]?.largest ?? 0));
  });

  it("takes the user's input, and refuses one that the model does not have", async () => {
    const { bytes } = await foldModel(plain);
    const feeds = { x: { type: "float32", shape: [1, 3, 9, 9], data: new Float32Array(243).fill(2) } };
    await expect(proveFold(plain, bytes, { runtime, feeds })).rejects.toMatchObject({ code: "ERR_BN_PARAM" });
    await expect(proveFold(plain, bytes, { runtime, shapes: { q: [1] } })).rejects.toThrow(/shapes or feeds names "q"/);
  });
});
