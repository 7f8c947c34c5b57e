import { createBatchNorm, createBlob } from "@bn/core";
import { describe, expect, it } from "vitest";
import { createWebGpu, type WebGpuBackend } from "../src/index.ts";

const STORAGE_AND_COPY = 0x8c;

/** A pipeline that a user might have: y = x + 1. */
function addOne({ device }: WebGpuBackend, source: GPUBuffer, target: GPUBuffer): void {
  const module = device.createShaderModule({
    code: `
      @group(0) @binding(0) var<storage, read> x: array<f32>;
      @group(0) @binding(1) var<storage, read_write> y: array<f32>;
      @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = x[id.x] + 1.0; }`,
  });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const entries = [source, target].map((buffer, binding) => ({ binding, resource: { buffer } }));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(4);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

describe("a GPUBuffer of the same device", () => {
  it("is a blob's data without a copy, before, between and after others' work", async () => {
    await using gpu = await createWebGpu();
    const theirs = gpu.device.createBuffer({ size: 16, usage: STORAGE_AND_COPY });
    const x = createBlob(gpu, [4, 1], "float32", gpu.adopt(theirs));
    const y = createBlob(gpu);
    const layer = createBatchNorm({ eps: 0 });

    x.write([0, 1, 2, 5]);
    const z = gpu.alloc("float32", 4);
    addOne(gpu, x.data.gpuBuffer, z.gpuBuffer);
    gpu.kernels.copy(4, z, x.data);
    layer.setUp([x], [y]);
    layer.forward([x], [y]);
    addOne(gpu, y.data.gpuBuffer, theirs); // reading y's gpuBuffer submits the layer's work

    const root = Math.sqrt(3.5);
    const expected = [-2, -1, 0, 3].map((d) => d / root + 1);
    const got = await x.read();
    expected.forEach((value, i) => {
      expect(got[i]).toBeCloseTo(value, 6);
    });
    expect([...(await layer.blobs[0]!.read())]).toEqual([3]);
  });

  it("stays its owner's when blob and backend are disposed", async () => {
    await using owner = await createWebGpu();
    const { device } = owner;
    const theirs = device.createBuffer({ size: 16, usage: STORAGE_AND_COPY });
    const gpu = await createWebGpu({ device });
    const blob = createBlob(gpu, [4], "float32", gpu.adopt(theirs));
    blob.write([1, 2, 3, 4]);
    blob.dispose();
    await gpu.dispose();

    const again = createBlob(owner, [4], "float32", owner.adopt(theirs));
    expect([...(await again.read())]).toEqual([1, 2, 3, 4]);
  });

  it("needs the usage and the size that kernels need", async () => {
    await using gpu = await createWebGpu();
    const { device } = gpu;
    expect(() => gpu.adopt(device.createBuffer({ size: 16, usage: 0x80 }))).toThrowError(
      expect.objectContaining({
        code: "ERR_BN_BACKEND",
        message: "webgpu adopt: the buffer's usage is 0x80, expected STORAGE, COPY_SRC and COPY_DST (0x8c)",
      }),
    );
    const short = gpu.adopt(device.createBuffer({ size: 16, usage: STORAGE_AND_COPY }));
    expect(() => createBlob(gpu, [5], "float32", short)).toThrowError(
      expect.objectContaining({
        code: "ERR_BN_SHAPE",
        message: "createBlob: data has 4 elements, shape 5 needs 5",
      }),
    );
  });
});

describe("a device", () => {
  it("that is borrowed survives the backend, one of our own does not", async () => {
    const owner = await createWebGpu();
    const { device } = owner;
    const guest = await createWebGpu({ device });
    const blob = createBlob(guest, [2]);
    blob.write([1, 2]);
    expect([...(await blob.read())]).toEqual([1, 2]);
    await guest.dispose();
    expect(guest.disposed).toBe(true);

    const other = createBlob(owner, [2]);
    other.write([3, 4]);
    expect([...(await other.read())]).toEqual([3, 4]);
    await owner.dispose();
    expect((await device.lost).reason).toBe("destroyed");
  });
});
