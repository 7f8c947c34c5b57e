import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";

/** K-9, in one dispatch. */
export function fill(device: Device, length: number, value: number, y: Storage): void {
  if (length === 0) return;
  const { workgroup, items } = device.tuning;
  device.run({
    kernel: "fill",
    params: { units: length, value, items },
    groups: Math.ceil(length / (workgroup * items)),
    buffers: { 1: y },
  });
}
