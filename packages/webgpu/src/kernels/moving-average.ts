import type { Average, Moments } from "@bn/core";
import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";

/** K-7, in one dispatch. */
export function movingAverage(
  device: Device,
  channels: number,
  stats: Moments<Storage>,
  { running, fraction, correction }: Average<Storage>,
): void {
  device.run({
    kernel: "moving-average",
    params: { units: channels, fraction, correction },
    groups: Math.ceil(channels / device.tuning.workgroup),
    buffers: { 1: stats.mean, 2: stats.variance, 3: running.mean, 4: running.variance, 5: running.factor },
  });
}
