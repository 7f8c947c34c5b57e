import { createBatchNorm, createBlob, createScale } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { expect, test } from "vitest";
import { attributeOf, parseModel } from "../src/graph/proto.ts";
import { buildModel, momentumAt, type NormRecord, readBatchNorm } from "../src/index.ts";
import { runModel } from "../src/verify/index.ts";
import { flat, NODE, record } from "./network.ts";

const X = { type: "float32", shape: [1, 3, 1, 2], data: new Float32Array([0.5, 1.5, -3, 1, 0.25, 0]) };

test("ONNX Runtime loads the model and computes the formula", async () => {
  const outputs = await runModel(buildModel(record(NODE)), { X });
  expect([...outputs.keys()]).toEqual(["Y"]);
  const y = outputs.get("Y")?.data as Float32Array;
  const expected = Array.from(X.data, (x, i) => {
    const c = Math.floor(i / 2);
    const at = (name: "scale" | "bias" | "mean" | "variance") => NODE[name][c] as number;
    return ((x - at("mean")) / Math.sqrt(at("variance") + NODE.epsilon)) * at("scale") + at("bias");
  });
  // O-1 with |x|, |mean| <= 3 and r |gamma| <= 4, |beta| <= 1: at most 114 u
  for (const [i, value] of y.entries()) expect(Math.abs(value - (expected[i] as number))).toBeLessThan(114 * 2 ** -24);
});

test("training gives the running statistics, of the population variance, with ONNX's momentum", async () => {
  const outputs = await runModel(
    buildModel(record({ ...NODE, momentum: 0.5 }), { shape: [1, 3, 1, 2], training: true }),
    {
      X,
    },
  );
  expect([...outputs.keys()]).toEqual(["Y", "running_mean", "running_var"]);
  // running_mean is 0.5 old + 0.5 (1, -1, 0.125)
  expect(outputs.get("running_mean")?.data).toEqual(new Float32Array([0.75, -2, 0.0625]));
  // running_var is 0.5 old + 0.5 (0.25, 4, 0.015625)
  expect(outputs.get("running_var")?.data).toEqual(new Float32Array([0.625, 4, 0.1328125]));
});

test.each(["float32", "float64"] as const)("blobs go into the model bit for bit (%s)", async (dtype) => {
  await using cpu = await createCpu();
  const x = createBlob(cpu, [2, 3], dtype);
  const y = createBlob(cpu, [0], dtype);
  const [layer, scale] = [createBatchNorm({ eps: 1e-3 }), createScale({ biasTerm: true })];
  layer.setUp([x], [y]);
  scale.setUp([x], [y]);
  const values = [[3, -6, 0.3], [1.5, 12, 0.7], [3], [2, -1, 0.1], [0, 5, -0.2]];
  for (const [i, blob] of [...layer.blobs, ...scale.blobs].entries()) blob.write(values[i] as number[]);
  const node = await readBatchNorm([...layer.blobs, ...scale.blobs], { eps: 1e-3, movingAverageFraction: 0.9 });
  const round = (value: number) => (dtype === "float32" ? Math.fround(value) : value);
  const s = round(1 / 3);
  const { mean, variance, scale: gamma, bias } = flat(node);
  expect(Array.from(mean)).toEqual([3, -6, 0.3].map((sum) => round(round(sum) * s)));
  expect(Array.from(variance)).toEqual([1.5, 12, 0.7].map((sum) => round(round(sum) * s)));
  expect(node).toMatchObject({ dtype, eps: Math.fround(1e-3), movingAverageFraction: Math.fround(0.9) });
  expect(node.statistics.factor).toBe(3);

  const { graph } = parseModel(buildModel(node, { shape: [2, 3] }));
  const Host = dtype === "float32" ? Float32Array : Float64Array;
  const stored = graph.initializer.map(({ name, rawData }) => [name, new Host(rawData.slice().buffer)]);
  expect(Object.fromEntries(stored)).toEqual({ scale: gamma, B: bias, mean, var: variance });
  const [only] = graph.node;
  expect(only && ["epsilon", "momentum"].map((name) => attributeOf(only, name)?.f)).toEqual([
    Math.fround(1e-3),
    Math.fround(0.9),
  ]);

  const bare = flat(await readBatchNorm(layer.blobs));
  expect([bare.scale, bare.bias]).toEqual([new Host(3).fill(1), new Host(3)]);
  layer.blobs[2]?.write([0]);
  expect(flat(await readBatchNorm(layer.blobs)).variance).toEqual(new Host(3)); // BN-6: the factor is 0
});

test("ONNX's momentum is the fraction once the factor has reached its limit", () => {
  expect(momentumAt(0.75, 0)).toBe(0);
  expect(momentumAt(0.75, 4)).toBe(0.75);
  expect(momentumAt(0.75, 1)).toBe(0.75 / 1.75);
});

test("what does not fit is refused", async () => {
  await using cpu = await createCpu();
  const blob = (length: number) => createBlob(cpu, [length]);
  await expect(readBatchNorm([])).rejects.toMatchObject({ code: "ERR_BN_PARAM" });
  await expect(readBatchNorm([blob(3), blob(3), blob(1), blob(4)])).rejects.toMatchObject({
    code: "ERR_BN_SHAPE",
    message: expect.stringContaining("blobs[3] has shape [4] (Float32Array), expected [3]"),
  });
  expect(() => buildModel(record(NODE), { shape: [1, 4] })).toThrow("shape is [1,4], expected [N, 3, ...]");
  expect(() => buildModel(record(NODE), { shape: [3] })).toThrow(expect.objectContaining({ code: "ERR_BN_SHAPE" }));
});

test("symbolic and fixed shapes both stand in the model", () => {
  const dims = (bytes: Uint8Array) => {
    const value = parseModel(bytes).graph.input[0]?.type?.value;
    return value?.case === "tensorType" ? value.value.shape?.dim.map((dim) => dim.value.value) : null;
  };
  const node: NormRecord = record(NODE);
  expect(dims(buildModel(node))).toEqual(["N", 3n, "H", "W"]);
  expect(dims(buildModel(node, { shape: [2, 3, 7] }))).toEqual([2n, 3n, 7n]);
});
