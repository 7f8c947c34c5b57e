import type { Affine, Geometry, Moments, Sums } from "@bn/core";
import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";
import { planReduction } from "../plan.ts";
import { sums } from "./sums.ts";

/** K-3. One dispatch, or two if channels are cut into parts. */
export function gradSums(
  device: Device,
  dy: Storage,
  x: Storage,
  g: Geometry,
  stats: Moments<Storage>,
  eps: number,
  out: Sums<Storage>,
  grad: Affine<Storage> | null,
): void {
  const plan = planReduction(g, device.tuning);
  const gamma = grad?.gamma ?? null;
  const beta = grad?.beta ?? null;
  sums(
    device,
    plan,
    { kernel: "grad-sums", flags: { D_GAMMA: gamma !== null, D_BETA: beta !== null }, params: { ...plan, eps } },
    { 1: dy, 2: x, 3: stats.mean, 4: stats.variance },
    { 5: out.dy, 6: out.dyXhat, 7: gamma, 8: beta },
  );
}
