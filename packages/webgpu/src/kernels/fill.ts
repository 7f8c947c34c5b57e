import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";

/** K-9, in one dispatch. */
export function fill(device: Device, length: number, value: number, y: Storage): void {
  if (length === 0) return;
  device.run({
    kernel: "fill",
    params: { units: length, value },
    groups: Math.ceil(length / (device.tuning.workgroup * device.tuning.items)),
    buffers: { 1: y },
  });
}
