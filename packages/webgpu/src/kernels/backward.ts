import type { Affine, Geometry, Moments, Sums } from "@bn/core";
import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";
import { gradNormalize } from "./grad-normalize.ts";
import { gradSums } from "./grad-sums.ts";

/** K-10: gradSums, then gradNormalize. Two dispatches, or three if channels are cut into parts. */
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
  gradSums(device, dy, x, g, stats, eps, sums, grad);
  gradNormalize(device, dy, x, g, stats, eps, affine, sums, m, dx);
}
