import { expect, it } from "vitest";
import { createWebGpu } from "../src/index.ts";

const CHANNELS = 70_000;

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
