import type { Device } from "./device.ts";
import { read } from "./read.ts";

/** The fields of `Supports` that only running a kernel can determine. */
export interface Arithmetic {
  readonly nonFinite: boolean;
  readonly subnormals: boolean;
}

const SMALLEST_NORMAL = 2 ** -126;
const NAN = [0, 1, 2, 3, 4, 5];
const INFINITE = [6, 7];
const SUBNORMAL = [
  [8, SMALLEST_NORMAL / 2],
  [9, SMALLEST_NORMAL * 0.75],
  [10, -SMALLEST_NORMAL / 2],
] as const;

/**
 * Tests the adapter with kernels/probe.wgsl, because WGSL lets an adapter assume that NaN and infinities do not occur,
 * and lets it flush subnormal numbers to zero.
 */
export async function probe(device: Device): Promise<Arithmetic> {
  const given = device.buffers.alloc(3);
  const found = device.buffers.alloc(11);
  try {
    device.queue.write(given.raw, Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, 0));
    device.run({ kernel: "probe", params: { value: SMALLEST_NORMAL }, groups: 1, buffers: { 1: given, 2: found } });
    const values = await read(device, found, 11);
    return {
      nonFinite:
        NAN.every((i) => Number.isNaN(values[i])) && INFINITE.every((i) => values[i] === Number.POSITIVE_INFINITY),
      subnormals: SUBNORMAL.every(([i, expected]) => values[i] === expected),
    };
  } finally {
    given.dispose();
    found.dispose();
  }
}
