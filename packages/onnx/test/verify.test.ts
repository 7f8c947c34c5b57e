import type { Backend } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { expect, test } from "vitest";
import { encodeModel, intAttribute, nodeOf } from "../src/graph/index.ts";
import { buildModel } from "../src/index.ts";
import { type VerifyOptions, verifyModel } from "../src/verify/index.ts";
import { altered, NODE, nested, record, setOpset } from "./network.ts";
import { paddle } from "./paddle.ts";

async function verify(bytes: Uint8Array, options: VerifyOptions = {}) {
  await using cpu = await createCpu();
  return await verifyModel(bytes, [cpu], options);
}

test.each([
  ["ch_ppocr_mobile_v2.0_cls_infer", 35, [1, 3, 48, 192]],
  ["ch_PP-OCRv4_rec_infer", 6, [1, 3, 48, 320]],
  ["ch_PP-OCRv4_det_infer", 3, null],
] as const)("%s: all %d nodes within both bounds", async (name, count, shape) => {
  const { rows, inputs, diagnostics } = await verify(await paddle(name), shape ? { shapes: { x: shape } } : {});
  expect(inputs).toEqual([{ name: "x", type: "float32", shape: shape ?? [1, 3, 64, 64] }]);
  expect(diagnostics).toEqual([]);
  expect(rows.length).toBe(count);
  expect(new Set(rows.map(({ node }) => node)).size).toBe(count);
  for (const { node, backends, onnxRuntime, meanOverStd } of rows) {
    expect(backends, node).toMatchObject([{ backend: "cpu", status: "passed", reason: "" }]);
    expect(backends[0]?.float64?.ratio, node).toBeLessThanOrEqual(1);
    expect(backends[0]?.onnxRuntime?.ratio, node).toBeLessThanOrEqual(1);
    expect(backends[0]?.onnxRuntime?.error, "compared with ONNX Runtime, not with ourselves").toBeGreaterThan(0);
    expect(onnxRuntime?.ratio, node).toBeLessThanOrEqual(1);
    expect(meanOverStd, node).toBeGreaterThan(0);
  }
});

test("a backend that is wrong fails where ONNX Runtime passes; one without the dtype is skipped", async () => {
  const cpu: Backend = await createCpu();
  const { normalize } = cpu.kernels;
  const kernels = {
    ...cpu.kernels,
    normalize: ((x, g, stats, _, affine, y) => normalize(x, g, stats, 0, affine, y)) as typeof normalize,
  };
  const wrong: Backend = Object.create(cpu, { kernels: { value: kernels } });
  const narrow: Backend = Object.create(cpu, { supports: { value: { ...cpu.supports, dtypes: ["float64"] } } });
  const { rows } = await verifyModel(
    altered(() => {}),
    [wrong, narrow, cpu],
  );
  expect(rows[0]?.backends.map(({ status }) => status)).toEqual(["failed", "skipped", "passed"]);
  expect(rows[0]?.backends[0]?.reason).toMatch(
    /^differs from float64 by \S+ times the bound; differs from ONNX Runtime by \S+ times the bound$/,
  );
  expect(rows[0]?.backends[1]?.reason).toBe("supports.dtypes lacks float32");
  expect(rows[0]?.onnxRuntime?.ratio).toBeLessThanOrEqual(1);
});

test("layers that nodes were made of run with their own blobs, and a wrong one is seen", async () => {
  const layer = record({ ...NODE });
  const { mean, variance } = layer.statistics;
  const times = (values: typeof mean, factor: number) => values.map((value) => value * factor);
  const statuses = async (factor: number, stored: number) => {
    const statistics = { mean: times(mean, factor), variance: times(variance, factor), factor: stored };
    const layers = new Map([["batch_norm", { ...layer, statistics }]]);
    const { rows } = await verify(buildModel(layer), { shapes: { X: [4, 3, 5, 5] }, layers });
    return rows.flatMap(({ backends }) => backends.map(({ status }) => status));
  };
  expect(await statuses(8, 8)).toEqual(["passed"]);
  expect(await statuses(8, 1)).toEqual(["failed"]);
});

test("a model without nodes is run where its layers are given, and refused elsewhere", async () => {
  const relu = encodeModel({
    name: "net",
    opset: 13,
    dtype: "float32",
    nodes: [nodeOf("Relu", "relu", ["x"], ["y"])],
    initializers: [],
    inputs: [{ name: "x", shape: [2] }],
    outputs: [{ name: "y", shape: [2] }],
  });
  expect((await verify(relu, { layers: new Map() })).rows).toEqual([]);
  await expect(verify(relu)).rejects.toThrow("no BatchNormalization");
});

test("a node that gives NaN is asked only of backends that keep it", async () => {
  await using cpu: Backend = await createCpu();
  const finite: Backend = Object.create(cpu, { supports: { value: { ...cpu.supports, nonFinite: false } } });
  const negative = buildModel(record({ ...NODE, variance: new Float32Array([1, -4, 0.25]) }));
  const { rows } = await verifyModel(negative, [cpu, finite], { shapes: { X: [1, 3, 2, 2] } });
  expect(rows[0]?.backends.map(({ status, reason }) => [status, reason])).toEqual([
    [
      "skipped",
      "1 of 3 channels, the first 1, are NaN on both sides, which does not count as agreement; check mean, var and epsilon",
    ],
    ["skipped", "supports.nonFinite is false, and the node gives NaN or infinities"],
  ]);
});

test("where ONNX Runtime overflows and the backend does not, it is not the backend that fails", async () => {
  // gamma / sqrt(variance) is infinite in float32, but its product with x - mean is not. Folding gives NaN.
  const node = { ...NODE, mean: new Float32Array(3), scale: new Float32Array([1, 1, 3e38]), bias: new Float32Array(3) };
  const { rows } = await verify(buildModel(record(node)), { shapes: { X: [1, 3, 2, 2] } });
  expect(rows[0]?.onnxRuntime?.ratio).toBe(Number.POSITIVE_INFINITY);
  expect(rows[0]?.backends[0]).toMatchObject({
    status: "passed",
    reason: "differs from ONNX Runtime by Infinity times the bound; which itself differs from float64",
  });
  expect(rows[0]?.backends[0]?.float64?.ratio).toBeLessThanOrEqual(1);
});

test("float64 models verify in float64", async () => {
  const wide = (values: ArrayLike<number>) => Float64Array.from(values, (value) => value / 3);
  const { scale, bias, mean, variance } = NODE;
  const node = {
    ...NODE,
    dtype: "float64" as const,
    scale: wide(scale),
    bias: wide(bias),
    mean: wide(mean),
    variance: wide(variance),
  };
  const { rows } = await verify(buildModel(record(node)));
  expect(rows).toMatchObject([{ dtype: "float64", shape: [1, 3, 64, 64], backends: [{ status: "passed" }] }]);
  expect(rows[0]?.backends[0]?.float64?.bound).toBeLessThan(1e-13);
});

test("open channels are those that the node or the convolution before it expects", async () => {
  const { inputs } = await verify(buildModel(record(NODE), { shape: ["batch", "C", "H", 7] }));
  expect(inputs).toEqual([{ name: "X", type: "float32", shape: [1, 3, 64, 7] }]);
});

test("rows come one by one, the same for the same seed, others for another", async () => {
  const seen: string[] = [];
  const bytes = await paddle("ch_PP-OCRv4_det_infer");
  const first = await verify(bytes, { onRow: ({ node }, done, total) => seen.push(`${node} ${done}/${total}`) });
  expect(seen).toEqual([0, 1, 2].map((i) => `p2o.BatchNormalization.${i} ${i + 1}/3`));
  expect(await verify(bytes)).toEqual(first);
  expect(await verify(bytes, { seed: "other" })).not.toEqual(first);
});

test("a signal stops it with its reason", async () => {
  const controller = new AbortController();
  const onRow = () => controller.abort(new Error("enough"));
  const running = verify(await paddle("ch_PP-OCRv4_det_infer"), { onRow, signal: controller.signal });
  await expect(running).rejects.toThrow("enough");
});

test("nodes inside of a branch that is taken are verified, the others named", async () => {
  for (const topLevel of [true, false]) {
    const { rows } = await verify(nested(topLevel));
    const inside = [
      ["bn_yes", "passed", ""],
      ["bn_no", "skipped", 'lies in If node "choice", else_branch, which does not run for this input'],
    ];
    const expected = topLevel ? [["batch_norm", "passed", ""], ...inside] : inside;
    expect(rows.map(({ node, backends }) => [node, backends[0]?.status, backends[0]?.reason])).toEqual(expected);
    expect(rows.at(-2)?.where).toBe('If node "choice", then_branch');
    expect(rows.at(-2)?.onnxRuntime?.ratio).toBeLessThanOrEqual(1);
  }
});

test.each<[string, Uint8Array]>([
  ["training_mode", buildModel(record(NODE), { training: true })],
  ["five outputs", buildModel(record(NODE), { training: true, opset: 9 })],
  ["is_test = 0", buildModel(record(NODE), { training: true, opset: 6 })],
])("a node in training mode by %s: with the batch's statistics, and one step of the running ones", async (_, bytes) => {
  const { rows } = await verify(bytes);
  const [row] = rows;
  expect(row).toMatchObject({ operator: "BatchNormalization", backends: [{ status: "passed", reason: "" }] });
  expect(row?.backends[0]?.float64?.error).toBeGreaterThan(0);
  expect(row?.onnxRuntime?.ratio).toBeLessThanOrEqual(1);
});

test("spatial = 0: a channel for each position", async () => {
  const bytes = altered(({ graph, ...model }, node) => {
    setOpset(model as never, 7);
    node.attribute.pop(); // training_mode
    node.attribute.push(intAttribute("spatial", 0));
    for (const [i, tensor] of (graph?.initializer ?? []).entries()) {
      tensor.dims = [3n, 2n, 2n];
      tensor.rawData = new Uint8Array(Float32Array.from({ length: 12 }, (_, c) => 1 + i + c / 4).buffer);
    }
  });
  const { rows } = await verify(bytes, { shapes: { X: [5, 3, 2, 2] } });
  expect(rows).toMatchObject([{ shape: [5, 3, 2, 2], backends: [{ status: "passed", reason: "" }] }]);
});

test("the network reads what it is given", async () => {
  const X = { type: "float32", shape: [1, 3, 1, 2], data: new Float32Array([0.5, 1.5, -3, 1, 0.25, 0]) };
  const { rows, inputs } = await verify(buildModel(record(NODE)), { feeds: { X } });
  expect(inputs).toEqual([{ name: "X", type: "float32", shape: [1, 3, 1, 2] }]);
  // In channel 0, x equals the mean, so the result is exactly B without any error. In the others the formula applies.
  expect(rows[0]?.backends[0]).toMatchObject({ status: "passed" });
  const far = { ...X, data: X.data.map((x) => x * 1e4) };
  const { rows: other } = await verify(buildModel(record(NODE)), { feeds: { X: far } });
  expect(other[0]?.backends[0]?.float64?.bound).toBeGreaterThan(100 * (rows[0]?.backends[0]?.float64?.bound ?? 1));
});

test.each<[string, VerifyOptions["feeds"], string]>([
  [
    "of another type",
    { X: { type: "float64", shape: [1, 3, 1, 1], data: new Float64Array(3) } },
    "got a float64 tensor, and the model expects float32",
  ],
  [
    "of another shape",
    { X: { type: "float32", shape: [1, 4, 1, 1], data: new Float32Array(4) } },
    "[1,4,1,1], the model expects [N,3,H,W]",
  ],
  [
    "for no input",
    { Z: { type: "float32", shape: [1], data: new Float32Array(1) } },
    'names "Z", the model\'s inputs are "X"',
  ],
  ["of too few values", { X: { type: "float32", shape: [1, 3, 1, 1], data: new Float32Array(1) } }, "3"],
])("a tensor %s is refused", async (_, feeds, expected) => {
  await expect(verify(buildModel(record(NODE)), { feeds: feeds ?? {} })).rejects.toThrow(expected);
});
