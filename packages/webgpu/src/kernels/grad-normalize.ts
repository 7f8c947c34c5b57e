import type { Affine, Geometry, Moments, Sums } from "@bn/core";
import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";
import { mapFlags, planMap } from "../plan.ts";

/** K-4, in one dispatch. */
export function gradNormalize(
  device: Device,
  dy: Storage,
  x: Storage,
  g: Geometry,
  stats: Moments<Storage>,
  eps: number,
  affine: Affine<Storage> | null,
  sums: Sums<Storage> | null,
  m: number,
  dx: Storage,
): void {
  const inPlace = dy === dx;
  const plan = planMap(g, device.tuning);
  const gamma = affine?.gamma ?? null;
  device.run({
    kernel: "grad-normalize",
    flags: { ...mapFlags(plan), IN_PLACE: inPlace, GAMMA: gamma !== null, SUMS: sums !== null },
    params: { ...plan, m, eps },
    groups: plan.groups,
    buffers: {
      1: inPlace ? null : dy,
      2: sums && x,
      3: sums && stats.mean,
      4: stats.variance,
      5: gamma,
      6: sums?.dy,
      7: sums?.dyXhat,
      8: dx,
    },
  });
}
