import type { Moments, Running } from "@bn/core";
import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";

/** K-8, in one dispatch. */
export function globalStats(
  device: Device,
  channels: number,
  running: Running<Storage>,
  stats: Moments<Storage>,
): void {
  device.run({
    kernel: "global-stats",
    params: { units: channels },
    groups: Math.ceil(channels / device.tuning.workgroup),
    buffers: { 1: running.mean, 2: running.variance, 3: running.factor, 4: stats.mean, 5: stats.variance },
  });
}
