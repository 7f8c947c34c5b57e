import type { Affine, Geometry, Moments, Sums } from "@bn/core";
import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";
import { planReduction, reductionFlags } from "../plan.ts";
import { gradNormalize } from "./grad-normalize.ts";
import { gradSums } from "./grad-sums.ts";

/**
 * K-10. One dispatch on a GPU, if channels are not cut into parts and the device binds enough buffers. Otherwise gradSums, then
 * gradNormalize: two dispatches, or three.
 */
export function backward(
  device: Device,
  dy: Storage,
  x: Storage,
  g: Geometry,
  stats: Moments<Storage>,
  eps: number,
  affine: Affine<Storage> | null,
  sums: Sums<Storage>,
  grad: Affine<Storage> | null,
  m: number,
  dx: Storage,
): void {
  const inPlace = dy === dx;
  const gamma = affine?.gamma ?? null;
  const dGamma = grad?.gamma ?? null;
  const dBeta = grad?.beta ?? null;
  const plan = planReduction(g, device.tuning);
  const buffers = {
    1: inPlace ? null : dy,
    2: x,
    3: stats.mean,
    4: stats.variance,
    5: sums.dy,
    6: sums.dyXhat,
    7: dGamma,
    8: dBeta,
    9: gamma,
    10: dx,
  };
  if (!(plan.fused && device.binds(buffers))) {
    gradSums(device, dy, x, g, stats, eps, sums, grad);
    gradNormalize(device, dy, x, g, stats, eps, affine, sums, m, dx);
    return;
  }
  device.run({
    kernel: "backward",
    entry: "uncut",
    flags: {
      ...reductionFlags(plan),
      IN_PLACE: inPlace,
      D_GAMMA: dGamma !== null,
      D_BETA: dBeta !== null,
      GAMMA: gamma !== null,
      SUMS: true,
    },
    lanes: plan.lanes,
    params: { ...plan, m, eps },
    groups: plan.groups,
    buffers,
  });
}
