import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";

/** K-9: by a kernel, or by the device's own copy where that is faster. */
export function copy(device: Device, length: number, x: Storage, y: Storage): void {
  if (length === 0) return;
  const { workgroup, items, copies } = device.tuning;
  if (!copies) {
    device.queue.copy("copy", x.raw, y.raw, length * 4);
    return;
  }
  const VEC4 = length % 4 === 0;
  const units = VEC4 ? length / 4 : length;
  device.run({
    kernel: "copy",
    flags: { VEC4 },
    params: { units, items },
    groups: Math.ceil(units / (workgroup * items)),
    buffers: { 1: x, 2: y },
  });
}
