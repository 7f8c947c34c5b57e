import { createBatchNorm, createBlob } from "@bn/core";
import { describe, expect, it } from "vitest";
import { createWebGpu, type WebGpuBackend, type WebGpuOptions } from "../src/index.ts";

const USAGE = 0x8c;
const code = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return "none";
};
const rejection = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "none",
    ({ code, message }) => `${code}: ${message}`,
  );

describe("owns", () => {
  it("is true for live buffers of this instance alone, and never throws", async () => {
    await using gpu = await createWebGpu();
    await using other = await createWebGpu({ device: gpu.device });
    const made = gpu.alloc("float32", 2);
    const adopted = gpu.adopt(gpu.device.createBuffer({ size: 16, usage: USAGE }));
    const gone = gpu.alloc("float32", 2);
    gone.dispose();
    expect([made, adopted, gone, other.alloc("float32", 2), { ...made }].map((one) => gpu.owns(one))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    for (const value of [null, undefined, 3, "x", {}, [], gpu, Symbol("s"), new Proxy({}, {})]) {
      expect(gpu.owns(value)).toBe(false);
    }
  });

  it("is false once the backend is disposed", async () => {
    const gpu = await createWebGpu();
    const made = gpu.alloc("float32", 2);
    await gpu.dispose();
    expect(gpu.owns(made)).toBe(false);
  });

  it("guards write and read", async () => {
    await using gpu = await createWebGpu();
    await using other = await createWebGpu();
    const [theirs, gone] = [other.alloc("float32", 2), gpu.alloc("float32", 2)];
    gone.dispose();
    const values = new Float32Array(2);
    expect([theirs, gone].map((one) => code(() => gpu.write(one, values)))).toEqual([
      "ERR_BN_BACKEND",
      "ERR_BN_DISPOSED",
    ]);
    expect([theirs, gone].map((one) => code(() => gpu.read(one, 2)))).toEqual(["ERR_BN_BACKEND", "ERR_BN_DISPOSED"]);
  });
});

describe("adopt", () => {
  it("refuses what is not a buffer, or is one already", async () => {
    await using gpu = await createWebGpu();
    const raw = gpu.device.createBuffer({ size: 16, usage: USAGE });
    for (const value of [null, undefined, 4, {}, { size: 16, usage: USAGE }, gpu.alloc("float32", 4)]) {
      expect(code(() => gpu.adopt(value as GPUBuffer))).toBe("ERR_BN_BACKEND");
    }
    const first = gpu.adopt(raw);
    expect(code(() => gpu.adopt(raw))).toBe("ERR_BN_BACKEND");
    expect(code(() => gpu.adopt(gpu.alloc("float32", 4).gpuBuffer))).toBe("ERR_BN_BACKEND");
    first.dispose();
    expect(gpu.owns(gpu.adopt(raw))).toBe(true);
    await gpu.finish();
  });

  const unusable: [what: string, make: (gpu: WebGpuBackend, other: WebGpuBackend) => GPUBuffer][] = [
    ["another device's", (_gpu, other) => other.device.createBuffer({ size: 16, usage: USAGE })],
    [
      "destroyed",
      ({ device }) => {
        const raw = device.createBuffer({ size: 16, usage: USAGE });
        raw.destroy();
        return raw;
      },
    ],
    ["mapped", ({ device }) => device.createBuffer({ size: 16, usage: USAGE, mappedAtCreation: true })],
  ];
  it.each(unusable)(
    "finds out that a buffer is %s: the next read rejects, and it is not owned",
    async (_what, make) => {
      await using gpu = await createWebGpu();
      await using other = await createWebGpu();
      const sound = gpu.alloc("float32", 4);
      const faults = gpu.faults as number;
      const buffer = gpu.adopt(make(gpu, other));
      expect(await rejection(gpu.read(sound, 4))).toMatch(
        /^ERR_BN_BACKEND: webgpu adopt: .*belongs to another device, or is destroyed or mapped/s,
      );
      expect(gpu.owns(buffer)).toBe(false);
      expect(gpu.faults).toBeGreaterThan(faults);
      expect([...(await gpu.read(sound, 4))]).toEqual([0, 0, 0, 0]);
    },
  );
});

describe("faults", () => {
  it("grow with each error that becomes known, so that a backward after one is refused", async () => {
    await using gpu = await createWebGpu();
    const [x, y] = [createBlob(gpu, [4, 1]), createBlob(gpu)];
    const layer = createBatchNorm();
    layer.setUp([x], [y]);
    layer.forward([x], [y]);
    const raw = gpu.device.createBuffer({ size: 16, usage: USAGE });
    const data = gpu.adopt(raw);
    await gpu.finish();
    raw.destroy();
    gpu.kernels.fill(4, 1, data);
    expect(await rejection(gpu.finish())).toMatch(/^ERR_BN_DEVICE/);
    expect(gpu.faults).toBe(1);
    expect(code(() => layer.backward([y], [true], [x]))).toBe("ERR_BN_STATE");
    layer.forward([x], [y]);
    layer.backward([y], [true], [x]);
    await gpu.finish();
  });

  it("grow when the device is lost", async () => {
    const gpu = await createWebGpu();
    gpu.device.destroy();
    await rejection(gpu.finish());
    expect(gpu.faults).toBe(1);
  });
});

describe("reserve", () => {
  it("makes all room that kernels over the geometry need", async () => {
    await using owner = await createWebGpu();
    const { device } = owner;
    await using gpu = await createWebGpu({ device, tuning: { workgroup: 8, busy: 64, items: 1 } });
    const g = { outer: 3, channels: 5, inner: 4096 };
    const n = g.outer * g.channels * g.inner;
    const whole = () => gpu.alloc("float32", n);
    const [x, dy, dx, y] = [whole(), whole(), whole(), whole()];
    const per = () => gpu.alloc("float32", g.channels);
    const [stats, sums, grad] = [
      { mean: per(), variance: per() },
      { dy: per(), dyXhat: per() },
      { gamma: per(), beta: per() },
    ];
    gpu.reserve?.("float32", g);
    const labels: string[] = [];
    const create = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      labels.push(descriptor.label ?? "");
      return create(descriptor);
    };
    gpu.kernels.moments(x, g, stats);
    gpu.kernels.normalize(x, g, stats, 1e-5, null, y);
    gpu.kernels.gradSums(dy, x, g, stats, 1e-5, sums, grad);
    gpu.kernels.gradNormalize(dy, x, g, stats, 1e-5, null, sums, g.outer * g.inner, dx);
    gpu.kernels.scaleSums(dy, x, g, grad.gamma, grad.beta);
    expect(labels.filter((label) => label !== "bn params")).toEqual([]);
    await gpu.finish();
  });

  it("that fails leaves the old room", async () => {
    await using gpu = await createWebGpu({ tuning: { workgroup: 1, busy: 65_536, items: 1 } });
    const small = { outer: 1, channels: 2, inner: 4096 };
    gpu.reserve?.("float32", small);
    expect(code(() => gpu.reserve?.("float32", { outer: 1, channels: 2 ** 20, inner: 2 ** 20 }))).toBe("ERR_BN_MEMORY");
    const [x, mean, variance] = [gpu.alloc("float32", 8192), gpu.alloc("float32", 2), gpu.alloc("float32", 2)];
    gpu.kernels.fill(8192, 3, x);
    gpu.kernels.moments(x, small, { mean, variance });
    expect([...(await gpu.read(mean, 2)), ...(await gpu.read(variance, 2))]).toEqual([3, 3, 0, 0]);
  });
});

describe("options", () => {
  const wrong: [options: unknown, message: RegExp][] = [
    [{ tuning: { workgroup: Number.NaN } }, /tuning\.workgroup is NaN, expected a power of two from 1 to 1024/],
    [{ tuning: { items: undefined } }, /tuning\.items is undefined, expected a value; pass one, or leave it out/],
    [{ tuning: { workgroup: 0 } }, /tuning\.workgroup is 0/],
    [{ tuning: { workgroup: 3 } }, /tuning\.workgroup is 3/],
    [{ tuning: { workgroup: -1 } }, /tuning\.workgroup is -1/],
    [{ tuning: { busy: 0 } }, /tuning\.busy is 0, expected a whole number from 1 to 65536/],
    [{ tuning: { items: 1e9 } }, /tuning\.items is 1000000000, expected a whole number from 1 to 1024/],
    [{ tuning: { items: 1.5 } }, /tuning\.items is 1\.5/],
    [{ tuning: { items: "4" } }, /tuning\.items is "?4"?/],
    [{ tuning: { workGroup: 4 } }, /unknown option tuning\.workGroup: did you mean tuning\.workgroup\?/],
    [{ tuning: 4 }, /tuning is 4, expected an object/],
    [{ devices: 4 }, /unknown option devices: did you mean device\?/],
    [{ device: {} }, /device is/],
    [{ device: null }, /device is null, expected a GPUDevice/],
    [{ powerPreference: "high" }, /powerPreference is "?high"?/],
    [null, /options are null/],
    [Promise.resolve({}), /options are/],
  ];
  it.each(wrong)("%o is refused", async (options, message) => {
    const told = await rejection(createWebGpu(options as WebGpuOptions));
    expect(told).toMatch(/^ERR_BN_PARAM: createWebGpu: /);
    expect(told).toMatch(message);
  });

  it("a device and a choice of adapters exclude each other", async () => {
    await using gpu = await createWebGpu();
    const both: object = { device: gpu.device, forceFallbackAdapter: true };
    expect(await rejection(createWebGpu(both as WebGpuOptions))).toMatch(
      /^ERR_BN_PARAM: createWebGpu: forceFallbackAdapter/,
    );
  });

  it("sizes beyond the device's are lowered to its limits", async () => {
    await using gpu = await createWebGpu({ tuning: { workgroup: 1024 } });
    expect(gpu.supports.details.workgroup).toBe(`${gpu.device.limits.maxComputeWorkgroupSizeX} threads`);
  });
});

it("two calls of dispose() wait for the same end", async () => {
  const gpu = await createWebGpu();
  const blob = createBlob(gpu, [2]);
  blob.write([1, 2]);
  const reading = blob.read();
  await Promise.all([gpu.dispose(), gpu.dispose(), gpu[Symbol.asyncDispose]()]);
  expect([...(await reading)]).toEqual([1, 2]);
  expect((await gpu.device.lost).reason).toBe("destroyed");
});
