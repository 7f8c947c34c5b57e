import { expect, it } from "vitest";
import { create } from "webgpu";
import { createWebGpu } from "../src/index.ts";

const CHANNELS = 70_000;
/** Kept, because the process crashes if Dawn's instance is garbage-collected while a device lives. */
const dawn = create([]);

it("takes more channels, one a workgroup, than a dispatch dimension holds workgroups", async () => {
  await using gpu = await createWebGpu({ tuning: { workgroup: 1 } });
  const { kernels } = gpu;
  const alloc = (length: number) => gpu.alloc("float32", length);
  const values = Float32Array.from({ length: 2 * CHANNELS }, (_, i) => (i < CHANNELS ? i : i + 2));
  const [x, y, mean, variance] = [alloc(values.length), alloc(values.length), alloc(CHANNELS), alloc(CHANNELS)];
  gpu.write(x, values);
  const g = { outer: 2, channels: CHANNELS, inner: 1 };
  kernels.moments(x, g, { mean, variance });
  kernels.normalize(x, g, { mean, variance }, 0, null, y);

  // Channel c holds c and c + 70,002: the mean is c + 35,001, and both values are that far from it.
  const means = await gpu.read(mean, CHANNELS);
  expect(means.findIndex((value, c) => value !== c + 35_001)).toBe(-1);
  const variances = await gpu.read(variance, CHANNELS);
  expect(variances.findIndex((value) => value !== Math.fround(35_001 ** 2))).toBe(-1);
  const normalized = await gpu.read(y, values.length);
  expect(normalized.findIndex((value, i) => Math.abs(value - (i < CHANNELS ? -1 : 1)) > 1e-6)).toBe(-1);
});

it.for([8, 10])(
  "takes a dispatch for forward and for backward on a GPU that binds %i buffers, if they hold it",
  async (most, { skip }) => {
    const adapter = (await dawn.requestAdapter()) as GPUAdapter;
    const { maxStorageBuffersPerShaderStage: limit } = adapter.limits;
    skip(limit < most, `this adapter binds ${limit} buffers, the test needs ${most}`);
    const device = await adapter.requestDevice({
      requiredLimits: { maxStorageBuffersPerShaderStage: most },
    });
    const pipelines: (string | undefined)[] = [];
    const createPipeline = device.createComputePipeline.bind(device);
    device.createComputePipeline = (descriptor) => {
      pipelines.push(descriptor.label);
      return createPipeline(descriptor);
    };
    await using gpu = await createWebGpu({ device, tuning: { workgroup: 32 } });
    const of = (...values: number[]) => {
      const buffer = gpu.alloc("float32", values.length);
      gpu.write(buffer, Float32Array.from(values));
      return buffer;
    };
    // Two channels, which hold 1, 1, 3, 3 and 2, 2, 6, 6: the means are 2 and 4, the variances 1 and 4.
    const g = { outer: 2, channels: 2, inner: 2 };
    const x = of(1, 1, 2, 2, 3, 3, 6, 6);
    const [y, dx, mean, variance] = [of(0, 0, 0, 0, 0, 0, 0, 0), of(0, 0, 0, 0, 0, 0, 0, 0), of(0, 0), of(0, 0)];
    const affine = { gamma: of(2, 3), beta: of(1, 1) };
    const average = { running: { mean: of(8, 8), variance: of(8, 8), factor: of(4) }, fraction: 0.5, correction: 2 };
    const [sums, grad] = [
      { dy: of(0, 0), dyXhat: of(0, 0) },
      { gamma: of(5, 5), beta: of(7, 7) },
    ];
    gpu.kernels.forward?.(x, g, { mean, variance }, average, 0, affine, y);
    gpu.kernels.backward?.(x, x, g, { mean, variance }, 0, affine, sums, grad, 4, dx);
    const [two, three] = [gpu.alloc("float32", 8), gpu.alloc("float32", 8)];
    gpu.kernels.forward?.(x, g, { mean, variance }, null, 0, null, two);
    gpu.kernels.backward?.(x, x, g, { mean, variance }, 0, null, sums, null, 4, three);

    const read = async (buffer: ReturnType<typeof of>) => [...(await gpu.read(buffer, buffer.length))];
    expect(await read(y)).toEqual([-1, -1, -2, -2, 3, 3, 4, 4]);
    expect(await read(two)).toEqual([-1, -1, -1, -1, 1, 1, 1, 1]);
    expect([await read(dx), await read(three)]).toEqual([Array(8).fill(0), Array(8).fill(0)]);
    expect([await read(mean), await read(variance)]).toEqual([
      [2, 4],
      [1, 4],
    ]);
    const { running } = average;
    expect([await read(running.mean), await read(running.variance), await read(running.factor)]).toEqual([
      [6, 8],
      [6, 12],
      [3],
    ]);
    expect([await read(sums.dy), await read(sums.dyXhat)]).toEqual([
      [8, 16],
      [4, 8],
    ]);
    expect([await read(grad.gamma), await read(grad.beta)]).toEqual([
      [9, 13],
      [15, 23],
    ]);
    const whole = ["bn forward uncut", "bn backward uncut"];
    const apart = ["bn moments uncut", "bn normalize main", "bn grad-sums uncut", "bn grad-normalize main"];
    // with statistics, affine and gradients a forward has 9 operands, and a backward 10
    expect(pipelines.filter((label) => label !== "bn probe main")).toEqual(
      most === 8 ? [...apart, ...whole] : [...whole, ...whole],
    );
    device.destroy();
  },
);
