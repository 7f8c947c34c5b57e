import { createBatchNorm, createBlob, createScale, type Layer } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { expect, test } from "vitest";
import { parseModel } from "../src/graph/proto.ts";
import {
  buildModel,
  createLayer,
  exportNodes,
  importModel,
  type ModelOptions,
  OPSETS,
  readBatchNorm,
  readScale,
  type ScaleRecord,
} from "../src/index.ts";
import { runModel, verifyModel } from "../src/verify/index.ts";
import { NODE, record } from "./network.ts";

const X = { type: "float32", shape: [2, 3, 2, 2], data: Float32Array.from({ length: 24 }, (_, i) => Math.sin(i) * 2) };
const nodesOf = (bytes: Uint8Array) => parseModel(bytes).graph.node.map(({ opType }) => opType);
const scaleOf = (shape: number[], axis: number, bias = true): ScaleRecord => {
  const count = shape.reduce((a, b) => a * b, 1);
  const values = (start: number) => Float32Array.from({ length: count }, (_, i) => start + i / 8);
  const source = { format: "blobs", nodes: [], where: "" } as const;
  const common = {
    name: "",
    dtype: "float32",
    channels: count,
    axis,
    phase: "test",
    parameterShape: shape,
    source,
  } as const;
  return { type: "Scale", ...common, statistics: null, gamma: values(1.5), beta: bias ? values(-2) : null };
};
const PLAIN = record({ ...NODE, scale: new Float32Array([1, 1, 1]), bias: new Float32Array(3) });

test.each(OPSETS)("opset %d: what ONNX Runtime loads, or verifies after an upgrade", async (opset) => {
  await using cpu = await createCpu();
  const bytes = buildModel([record(NODE), scaleOf([3], 1)], { opset, shape: [2, 3, 2, 2] });
  expect(nodesOf(bytes)).toEqual(["BatchNormalization", "Mul", "Add"]);
  const { rows, diagnostics } = await verifyModel(bytes, [cpu], { feeds: { X } });
  expect(rows).toMatchObject([
    { node: "0.batch_norm", backends: [{ status: "passed" }], onnxRuntime: expect.anything() },
  ]);
  expect(diagnostics).toEqual([]);
});

test("a Scale over the channels is BatchNormalization's own", () => {
  const merged = buildModel([PLAIN, scaleOf([3], 1)], { shape: [2, 3, 2, 2] });
  expect(nodesOf(merged)).toEqual(["BatchNormalization"]);
  const { initializer } = parseModel(merged).graph;
  expect(initializer[0]?.rawData).toEqual(new Uint8Array(Float32Array.of(1.5, 1.625, 1.75).buffer));
  expect(nodesOf(buildModel([PLAIN, scaleOf([3], -3)], { shape: [2, 3, 2, 2] }))).toEqual(["BatchNormalization"]);
});

test.each<[string, number[], number]>([
  ["of some channels' axes", [3, 2], 1],
  ["of the last axis", [2], -1],
  ["of the batch", [2], 0],
  ["of a single number", [], 1],
  ["of the whole", [2, 3, 2, 2], 0],
  ["twice", [3], 1],
])("a Scale %s is Mul and Add, rounded as our layer does", async (name, shape, axis) => {
  const scale = scaleOf(shape, axis);
  const before = name === "twice" ? record(NODE) : PLAIN;
  const bytes = buildModel([before, scale], { shape: [2, 3, 2, 2] });
  expect(nodesOf(bytes)).toEqual(["BatchNormalization", "Mul", "Add"]);
  const alone = buildModel(scale, { shape: [2, 3, 2, 2] });
  const theirs = (await runModel(alone, { X })).get("Y")?.data;
  await using cpu = await createCpu();
  const [x, y] = [createBlob(cpu, X.shape), createBlob(cpu)];
  const layer = createScale({ axis, numAxes: shape.length, biasTerm: true });
  x.write(X.data);
  layer.setUp([x], [y]);
  layer.blobs[0]?.write(scale.gamma ?? []);
  layer.blobs[1]?.write(scale.beta ?? []);
  layer.forward([x], [y]);
  expect(await y.read()).toEqual(theirs); // each operation rounds once, so the bits are the same
  expect(await readScale(layer.blobs, { axis })).toEqual(scale);
});

test("a Scale with two bottoms reads a second input", async () => {
  const scale = { ...scaleOf([3], 1), gamma: null };
  const S = { type: "float32", shape: [3], data: new Float32Array([2, -1, 0.5]) };
  const outputs = await runModel(buildModel(scale, { shape: X.shape }), { X, S });
  const at = (i: number) => Math.floor(i / 4) % 3;
  expect(outputs.get("Y")?.data).toEqual(
    X.data.map((x, i) => Math.fround(Math.fround(x * (S.data[at(i)] ?? 0)) + (scale.beta?.[at(i)] ?? 0))),
  );
});

test("channels-last goes between two transpositions", async () => {
  const shape = [2, 2, 2, 3];
  const bytes = buildModel(record({ ...NODE, axis: -1 }), { shape });
  expect(nodesOf(bytes)).toEqual(["Transpose", "BatchNormalization", "Transpose"]);
  const theirs = (await runModel(bytes, { X: { ...X, shape } })).get("Y")?.data as Float32Array;
  await using cpu = await createCpu();
  const { layers } = await importModel(buildModel(record(NODE)));
  const ours = createLayer(cpu, layers[0]!);
  const { blobs } = ours;
  const last = createBatchNorm({ axis: -1, phase: "test", blobs: blobs.slice(0, 3) });
  const [x, y] = [createBlob(cpu, shape), createBlob(cpu)];
  x.write(X.data);
  last.setUp([x], [y]);
  last.forward([x], [y]);
  const affine = (value: number, i: number) => value * (NODE.scale[i % 3] as number) + (NODE.bias[i % 3] as number);
  // O-1 and N-3 with |t| <= 10, |mean| <= 3: at most 200 u
  for (const [i, value] of (await y.read()).entries())
    expect(Math.abs(affine(value, i) - (theirs[i] as number))).toBeLessThan(200 * 2 ** -24);
});

test("nodes to put into a graph: names of one's own", () => {
  const { nodes, initializers, running } = exportNodes([record(NODE), scaleOf([2], -1)], {
    input: "conv1",
    output: "bn1",
    prefix: "bn1/",
    training: true,
    rank: 4,
  });
  expect(nodes.map(({ opType, input, output }) => [opType, input[0], output[0]])).toEqual([
    ["BatchNormalization", "conv1", "bn1/0.Y"],
    ["Mul", "bn1/0.Y", "bn1/1.product"],
    ["Add", "bn1/1.product", "bn1"],
  ]);
  expect(running.map(({ name }) => name)).toEqual(["bn1/0.running_mean", "bn1/0.running_var"]);
  for (const { name } of initializers) expect(name).toMatch(/^bn1\//);
});

test("the variance can be brought to ONNX's kind", async () => {
  await using cpu = await createCpu();
  const x = createBlob(cpu, [4, 1]);
  const layer: Layer = createBatchNorm({ movingAverageFraction: 0.5 });
  x.write([1, 2, 3, 6]);
  layer.setUp([x], [x]);
  layer.forward([x], [createBlob(cpu, [4, 1])]);
  const own = await readBatchNorm(layer.blobs);
  const variance = async (options: ModelOptions) => {
    const { layers } = await importModel(buildModel(own, options));
    return layers[0]?.statistics.variance[0];
  };
  expect(await variance({})).toBeCloseTo(14 / 3, 6); // 3.5 times 4 / 3
  expect(await variance({ populationOf: 4 })).toBeCloseTo(3.5, 6);
  await expect(variance({ populationOf: 0 })).rejects.toMatchObject({ code: "ERR_BN_PARAM" });
});

test("what does not fit is refused", async () => {
  const code = (expected: string) => expect.objectContaining({ code: expected });
  expect(() => exportNodes([])).toThrow(code("ERR_BN_PARAM"));
  expect(() => exportNodes([record(NODE)], { opset: 8 as 9 })).toThrow("opset is 8, expected 1, 6, 7, 9, 14, 15");
  expect(() => exportNodes([scaleOf([2], 1)])).toThrow("a layer with axis 1 needs the rank of X; pass rank");
  expect(() => exportNodes([scaleOf([2, 2], 3)], { rank: 4 })).toThrow("covers 2 of the 4 axes of X");
  await expect(readScale([])).rejects.toMatchObject({ code: "ERR_BN_PARAM" });
  expect(() => buildModel(record({ ...NODE, axis: -1 }), { shape: [1, 3, 4] })).toThrow(code("ERR_BN_SHAPE"));
});
