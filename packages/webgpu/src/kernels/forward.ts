import type { Affine, Average, Geometry, Moments } from "@bn/core";
import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";
import { planReduction, reductionFlags } from "../plan.ts";
import { moments } from "./moments.ts";
import { normalize } from "./normalize.ts";

/**
 * K-10. One dispatch on a GPU, if channels are not cut into parts and the device binds enough buffers. Otherwise moments with the
 * moving average, then normalize: two dispatches, or three or four.
 */
export function forward(
  device: Device,
  x: Storage,
  g: Geometry,
  stats: Moments<Storage>,
  average: Average<Storage> | null,
  eps: number,
  affine: Affine<Storage> | null,
  y: Storage,
): void {
  const inPlace = x === y;
  const gamma = affine?.gamma ?? null;
  const beta = affine?.beta ?? null;
  const plan = planReduction(g, device.tuning);
  const buffers = {
    1: inPlace ? null : x,
    2: stats.mean,
    3: stats.variance,
    4: average?.running.mean,
    5: average?.running.variance,
    6: average?.running.factor,
    8: gamma,
    9: beta,
    10: y,
  };
  if (!(plan.fused && device.binds(buffers))) {
    moments(device, x, g, stats, average);
    normalize(device, x, g, stats, eps, affine, y);
    return;
  }
  device.run({
    kernel: "forward",
    entry: "uncut",
    flags: {
      ...reductionFlags(plan),
      ONCE: plan.once,
      AVERAGE: average !== null,
      IN_PLACE: inPlace,
      GAMMA: gamma !== null,
      BETA: beta !== null,
    },
    lanes: plan.lanes,
    params: { ...plan, eps, ...(average && { fraction: average.fraction, correction: average.correction }) },
    groups: plan.groups,
    buffers,
  });
}
