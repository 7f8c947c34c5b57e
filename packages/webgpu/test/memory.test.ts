import { createBatchNorm, createBatchNormScale, createBlob, createScale } from "@bn/core";
import { expect, it } from "vitest";
import { createWebGpu } from "../src/index.ts";

/** A new device that counts its live buffers. */
async function countedDevice() {
  const owner = await createWebGpu();
  const { device } = owner;
  const alive = new Set<GPUBuffer>();
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    alive.add(buffer);
    buffer.destroy = () => {
      alive.delete(buffer);
      return destroy();
    };
    return buffer;
  };
  return { device, alive, [Symbol.asyncDispose]: () => owner.dispose() };
}

it("leaves as many GPU buffers after ten thousand layer calls with disposal as there were before", async () => {
  await using counted = await countedDevice();
  const { device, alive } = counted;
  const gpu = await createWebGpu({ device });
  const factories = [createBatchNorm, createBatchNormScale, createScale];

  const train = async (calls: number) => {
    for (let done = 0, turn = 0; done < calls; turn++) {
      const shape = [1 + (turn % 3), 2 + (turn % 5), 1 + (turn % 4)];
      const [x, y] = [createBlob(gpu, shape), createBlob(gpu)];
      const layer = (factories[turn % 3] as typeof createBatchNorm)();
      x.write(new Float32Array(x.count()).fill(turn));
      layer.setUp([x], [y]);
      for (let step = 0; step < 10; step++, done += 2) {
        layer.forward([x], [y]);
        layer.backward([y], [true], [x]);
      }
      if (turn % 50 === 0) await y.read();
      for (const resource of [layer, x, y]) resource.dispose();
    }
    await gpu.finish();
  };

  await train(1200); // uses every shape, layer and staging buffer once
  const before = alive.size;
  await train(10_000);
  expect(alive.size).toBe(before);
  await gpu.dispose();
  expect(alive.size).toBe(0);
});

it("makes nothing on the device in the steady state", async () => {
  await using counted = await countedDevice();
  const { device } = counted;
  await using gpu = await createWebGpu({ device });
  const [x, y] = [createBlob(gpu, [2, 3, 4]), createBlob(gpu)];
  const layer = createBatchNormScale({ biasTerm: true });
  layer.setUp([x], [y]);
  const step = () => {
    layer.forward([x], [y]);
    layer.backward([y], [true], [x]);
    return y.read();
  };
  await step();

  const made: string[] = [];
  for (const method of ["createBuffer", "createBindGroup", "createComputePipeline", "createShaderModule"] as const) {
    const original = device[method].bind(device) as (descriptor: never) => never;
    Object.assign(device, {
      [method]: (descriptor: never) => {
        made.push(method);
        return original(descriptor);
      },
    });
  }
  for (let i = 0; i < 5; i++) await step();
  expect(made).toEqual([]);
});

it("submits once for a layer's forward and backward together", async () => {
  await using gpu = await createWebGpu();
  const [x, y] = [createBlob(gpu, [2, 3, 4]), createBlob(gpu)];
  const layer = createBatchNormScale();
  layer.setUp([x], [y]);
  await gpu.finish();
  const { queue } = gpu.device;
  const submit = queue.submit.bind(queue);
  let submits = 0;
  queue.submit = (buffers) => {
    const commands = [...buffers];
    if (commands.length > 0) submits += 1; // an empty submit is a nudge (src/nudge.ts)
    return submit(commands);
  };
  layer.forward([x], [y]);
  layer.backward([y], [true], [x]);
  expect(submits).toBe(0);
  await gpu.finish();
  expect(submits).toBe(1);
});
