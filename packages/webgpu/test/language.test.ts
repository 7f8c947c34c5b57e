import { expect, it } from "vitest";
import { createWebGpu } from "../src/index.ts";
import { rangeFaults } from "./range-kit.ts";

it("runs where WGSL has no workgroupUniformLoad of an atomic", async () => {
  await using owner = await createWebGpu();
  const { device } = owner;
  const create = device.createShaderModule.bind(device);
  const made: string[] = [];
  device.createShaderModule = (descriptor) => {
    const old = /var<workgroup> (\w+): atomic[\s\S]*workgroupUniformLoad\(&\1\)/.test(descriptor.code);
    if (!old) made.push(descriptor.code);
    return create(old ? { ...descriptor, code: "an older compiler's error" } : descriptor);
  };
  await using gpu = await createWebGpu({ device });
  for (const kind of ["x of std 1e18", "dy at both ends"]) {
    expect(await rangeFaults(gpu, { outer: 5, channels: 3, inner: 49 }, kind)).toEqual([]);
  }
  expect(made.filter((code) => code.includes("alarmCopy")).length).toBeGreaterThan(1);
});
