import type { Geometry } from "@bn/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWebGpu, type WebGpuBackend } from "../src/index.ts";
import { KINDS, rangeFaults } from "./range-kit.ts";

const GEOMETRIES: readonly Geometry[] = [
  { outer: 2, channels: 3, inner: 4 },
  { outer: 3, channels: 4, inner: 1 },
  { outer: 5, channels: 3, inner: 49 },
  { outer: 2, channels: 2, inner: 5000 },
  { outer: 4099, channels: 3, inner: 1 },
  { outer: 8200, channels: 8, inner: 1 }, // four channels at a time on GPUs too
  { outer: 37, channels: 40, inner: 1 }, // one lane per channel
];
const TUNINGS = [undefined, { workgroup: 64, busy: 64, items: 2 }];

describe.each(TUNINGS)("values at the ends of float32's range, tuning %o", (tuning) => {
  let gpu: WebGpuBackend;
  beforeAll(async () => {
    gpu = await createWebGpu(tuning ? { tuning } : {});
  });
  afterAll(() => gpu?.dispose());

  describe.each(GEOMETRIES)("$outer x $channels x $inner", (g) => {
    it.each(Object.keys(KINDS))("%s: N-2 to N-6", async (name) => {
      expect(await rangeFaults(gpu, g, name)).toEqual([]);
    });
  });
});
