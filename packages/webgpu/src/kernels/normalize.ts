import type { Affine, Geometry, Moments } from "@bn/core";
import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";
import { mapFlags, planMap } from "../plan.ts";

/** K-2, in one dispatch. */
export function normalize(
  device: Device,
  x: Storage,
  g: Geometry,
  stats: Moments<Storage>,
  eps: number,
  affine: Affine<Storage> | null,
  y: Storage,
): void {
  const inPlace = x === y;
  const plan = planMap(g, device.tuning);
  const gamma = affine?.gamma ?? null;
  const beta = affine?.beta ?? null;
  device.run({
    kernel: "normalize",
    flags: { ...mapFlags(plan), IN_PLACE: inPlace, GAMMA: gamma !== null, BETA: beta !== null },
    params: { ...plan, eps },
    groups: plan.groups,
    buffers: { 1: inPlace ? null : x, 2: stats.mean, 3: stats.variance, 4: gamma, 5: beta, 6: y },
  });
}
