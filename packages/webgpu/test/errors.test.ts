import { createBlob } from "@bn/core";
import { describe, expect, it } from "vitest";
import { create } from "webgpu";
import { createWebGpu } from "../src/index.ts";

/** Kept, because the process crashes if Dawn's instance is garbage-collected while a device lives. */
const dawn = create([]);

/** The error that `call` throws or rejects with, as `code: message`. */
async function thrown(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  }
  return "nothing";
}

const LOSS =
  "ERR_BN_DEVICE: webgpu: the device was lost (device.destroy() was called: device was destroyed) and the contents " +
  "of its blobs are gone; create a new backend with createWebGpu(), then its blobs and layers";

describe("a lost device", () => {
  it("rejects read() and finish(), each time, and says how to go on", async () => {
    const gpu = await createWebGpu();
    const blob = createBlob(gpu, [3]);
    blob.write([1, 2, 3]);
    gpu.device.destroy();
    expect(await thrown(() => blob.read())).toBe(LOSS);
    expect(await thrown(() => gpu.finish())).toBe(LOSS);
    expect(await thrown(() => gpu.finish())).toBe(LOSS);
    await gpu.dispose();
  });

  it("rejects a read that waits for it", async () => {
    const gpu = await createWebGpu();
    const blob = createBlob(gpu, [3]);
    const reading = thrown(() => blob.read());
    gpu.device.destroy();
    expect(await reading).toBe(LOSS);
  });

  it("throws nothing in kernels, write and dispose", async () => {
    const gpu = await createWebGpu();
    const blob = createBlob(gpu, [3]);
    gpu.device.destroy();
    gpu.kernels.fill(3, 1, blob.data);
    blob.write([1, 2, 3]);
    blob.dispose();
    expect(await thrown(() => gpu.finish())).toBe(LOSS);
  });
});

describe("device errors", () => {
  it("reject the next read() or finish() once, with the name of the kernel", async () => {
    await using gpu = await createWebGpu();
    const blob = createBlob(gpu, [4]);
    const gone = gpu.device.createBuffer({ size: 16, usage: 0x8c });
    const data = gpu.adopt(gone);
    gone.destroy();
    gpu.kernels.fill(4, 1, data);
    expect(await thrown(() => blob.read())).toMatch(
      /^ERR_BN_DEVICE: webgpu fill, read: .*used in submit while destroyed/,
    );
    await gpu.finish();
    expect([...(await blob.read())]).toEqual([0, 0, 0, 0]);
  });

  it("leave the error scopes of a borrowed device alone", async () => {
    await using owner = await createWebGpu();
    const { device } = owner;
    await using gpu = await createWebGpu({ device });
    device.pushErrorScope("validation");
    gpu.kernels.fill(4, 1, gpu.alloc("float32", 4));
    device.createBuffer({ size: 4, usage: 0 });
    expect((await device.popErrorScope())?.message).toMatch(/usage/i);
    await gpu.finish();
  });
});

describe("memory", () => {
  it.each([2 ** 28, 2 ** 28 - 4])(
    "beyond a binding of %i bytes is an error that says how much there is",
    async (limit) => {
      const adapter = await dawn.requestAdapter();
      const device = await (adapter as GPUAdapter).requestDevice({
        requiredLimits: { maxStorageBufferBindingSize: limit },
      });
      const most = Math.floor(limit / 16) * 16;
      await using gpu = await createWebGpu({ device });
      expect(await thrown(() => gpu.alloc("float32", most / 4 + 1))).toBe(
        `ERR_BN_MEMORY: webgpu alloc: ${most / 4 + 1} values need ${most + 16} bytes, this device binds at most ${most} ` +
          `(${most / 4} values); split the batch`,
      );
      gpu.alloc("float32", most / 4).dispose();
      await gpu.finish();
      device.destroy();
    },
  );

  it("that the device lacks rejects once, and what is allocated afterwards works", async ({ skip }) => {
    await using gpu = await createWebGpu();
    const { adapter } = gpu.supports.details;
    skip(!adapter?.includes("swiftshader"), `filling all memory of ${adapter} could harm its other users`);
    const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
    const most = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    const taken = [];
    let error = "nothing";
    while (error === "nothing" && taken.length < 8) {
      taken.push(gpu.alloc("float32", most / 4));
      error = await thrown(() => gpu.finish());
    }
    expect(error).toMatch(
      new RegExp(`^ERR_BN_MEMORY: webgpu alloc of ${most} bytes: the device is out of memory .*dispose blobs`, "s"),
    );
    for (const buffer of taken) buffer.dispose();
    const small = gpu.alloc("float32", 2);
    gpu.kernels.fill(2, 3, small);
    expect([...(await gpu.read(small, 2))]).toEqual([3, 3]);
  });
});

describe("creation", () => {
  it("without an adapter names the cure", async () => {
    const gpu = create([`backend=${process.platform === "linux" ? "metal" : "null-backend"}`]);
    expect(await thrown(() => createWebGpu({ gpu }))).toBe(
      "ERR_BN_UNAVAILABLE: webgpu: requestAdapter() found no adapter; install a graphics driver (on Linux a Vulkan " +
        "driver, e.g. mesa-vulkan-drivers 25 or later); or use @bn/wasm or @bn/cpu",
    );
  });

  it("names the adapter", async () => {
    await using gpu = await createWebGpu();
    expect(gpu.supports.details.adapter).toMatch(/\w/);
  });
});

describe("disposal", () => {
  it.each(["alloc", "write", "read", "finish"] as const)("makes %s an error", async (method) => {
    const gpu = await createWebGpu();
    const buffer = gpu.alloc("float32", 1);
    await gpu.dispose();
    await gpu[Symbol.asyncDispose]();
    const call = {
      alloc: () => gpu.alloc("float32", 1),
      write: () => gpu.write(buffer, new Float32Array(1)),
      read: () => gpu.read(buffer, 1),
      finish: () => gpu.finish(),
    }[method];
    expect(await thrown(call)).toBe(
      `ERR_BN_DISPOSED: webgpu ${method}: the backend was disposed; create another with createWebGpu()`,
    );
  });

  it("lets a read under way finish", async () => {
    const gpu = await createWebGpu();
    const blob = createBlob(gpu, [2]);
    blob.write([1, 2]);
    const reading = blob.read();
    await gpu.dispose();
    expect([...(await reading)]).toEqual([1, 2]);
  });
});
