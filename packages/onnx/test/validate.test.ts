import type { Backend } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { afterEach, expect, test, vi } from "vitest";
import { importModel } from "../src/index.ts";
import { validate } from "../src/verify/index.ts";
import { NODE, record } from "./network.ts";
import { paddle } from "./paddle.ts";

const INPUT = { shape: [4, 3, 5], data: Float32Array.from({ length: 60 }, (_, i) => Math.sin(i) * 2 + 1) };

test("both modes, every tensor, nobody at fault", async () => {
  await using cpu = await createCpu();
  const rows = await validate(cpu, [record(NODE)], [INPUT]);
  expect(rows.map(({ mode, tensor, fault, passed }) => [mode, tensor, fault, passed])).toEqual([
    ["inference", "top", "none", true],
    ["training", "top", "none", true],
    ["training", "running_mean", "none", true],
    ["training", "running_var", "none", true],
  ]);
  for (const { float64, runtime, onnxRuntime } of rows) {
    expect(float64.bound).toBeLessThan(1e-5);
    expect(onnxRuntime.bound).toBeGreaterThan(runtime.bound === 0 ? 0 : runtime.bound / 2);
  }
});

test("float64", async () => {
  await using cpu = await createCpu();
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
  const rows = await validate(cpu, [record(node)], [INPUT]);
  expect(rows.filter(({ passed }) => !passed)).toEqual([]);
  expect(rows[0]?.float64.bound).toBeLessThan(1e-14);
});

test("the layers of a real network", async () => {
  await using cpu = await createCpu();
  const { layers } = await importModel(await paddle("ch_PP-OCRv4_rec_infer"));
  const inputs = layers.map(({ channels }, k) => ({
    shape: [2, channels, 3],
    data: Float32Array.from({ length: 6 * channels }, (_, i) => Math.cos(i + k)),
  }));
  const rows = await validate(cpu, layers, inputs);
  expect(rows.length).toBe(layers.length * 4);
  expect(rows.filter(({ passed }) => !passed)).toEqual([]);
});

test("a wrong backend is at fault, not ONNX Runtime", async () => {
  const cpu: Backend = await createCpu();
  const { normalize } = cpu.kernels;
  const kernels = {
    ...cpu.kernels,
    normalize: ((x, g, stats, _, affine, y) => normalize(x, g, stats, 0.1, affine, y)) as typeof normalize,
  };
  const wrong: Backend = Object.create(cpu, { kernels: { value: kernels } });
  const [row] = await validate(wrong, [record(NODE)], [INPUT], { modes: ["inference"] });
  expect(row).toMatchObject({ fault: "backend", passed: false });
  expect(row?.float64.ratio).toBeGreaterThan(1);
  expect(row?.onnxRuntime.ratio).toBeGreaterThan(1);
  expect(row?.runtime.ratio).toBeLessThanOrEqual(1);
});

afterEach(() => vi.doUnmock("onnxruntime-node"));

test("a wrong ONNX Runtime is at fault, not the backend", async () => {
  vi.resetModules();
  vi.doMock("onnxruntime-node", async (original) => {
    const real = await original<typeof import("onnxruntime-node")>();
    const create = async (bytes: Uint8Array, options: object) => {
      const session = await real.InferenceSession.create(bytes, options);
      return {
        release: () => session.release(),
        async run(feeds: Parameters<typeof session.run>[0]) {
          const outputs = await session.run(feeds);
          for (const { data } of Object.values(outputs))
            (data as Float32Array)[7] = ((data as Float32Array)[7] ?? 0) + 0.01;
          return outputs;
        },
      };
    };
    return { ...real, InferenceSession: { create } };
  });
  const { validate: fresh } = await import("../src/verify/validate.ts");
  await using cpu = await createCpu();
  const [row] = await fresh(cpu, [record(NODE)], [INPUT], { modes: ["inference"] });
  expect(row).toMatchObject({ fault: "onnxruntime", passed: false });
  vi.resetModules();
});

test("what does not fit is refused", async () => {
  await using cpu = await createCpu();
  await expect(validate(cpu, [record(NODE)], [])).rejects.toMatchObject({ code: "ERR_BN_PARAM" });
  await expect(validate(cpu, [record(NODE)], [{ shape: [2, 4], data: [] }])).rejects.toMatchObject({
    code: "ERR_BN_SHAPE",
    message: "validate: inputs[0] has shape [2,4] and 0 values, expected [N, 3, ...] as in its layer",
  });
  await expect(validate(cpu, [record(NODE)], [{ shape: [2, 3], data: [1] }])).rejects.toThrow("expected 6 values");
  await expect(validate(cpu, [record({ ...NODE, axis: 2 })], [INPUT])).rejects.toThrow("axis 2, expected 1");
});
