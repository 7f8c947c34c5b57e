import type { Affine, Average, Geometry, Moments } from "@bn/core";
import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";
import { moments } from "./moments.ts";
import { normalize } from "./normalize.ts";

/** K-10: moments with the moving average, then normalize. Two dispatches; three or four if channels are cut into parts. */
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
  moments(device, x, g, stats, average);
  normalize(device, x, g, stats, eps, affine, y);
}
