import type { Affine, Geometry } from "@bn/core";
import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";
import { mapFlags, planMap } from "../plan.ts";

/** K-5, in one dispatch. */
export function scale(device: Device, x: Storage, g: Geometry, affine: Affine<Storage>, y: Storage): void {
  const inPlace = x === y;
  const plan = planMap(g, device.tuning);
  const { gamma, beta } = affine;
  device.run({
    kernel: "scale",
    flags: { ...mapFlags(plan), IN_PLACE: inPlace, BETA: beta !== null },
    params: plan,
    groups: plan.groups,
    buffers: { 1: inPlace ? null : x, 2: gamma, 3: beta, 4: y },
  });
}
