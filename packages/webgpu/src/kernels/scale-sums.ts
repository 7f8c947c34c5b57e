import type { Geometry } from "@bn/core";
import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";
import { planReduction } from "../plan.ts";
import { sums } from "./sums.ts";

/** K-6. One dispatch; two where channels are cut into parts. */
export function scaleSums(
  device: Device,
  dy: Storage,
  x: Storage,
  g: Geometry,
  dGamma: Storage | null,
  dBeta: Storage | null,
): void {
  if (!(dGamma || dBeta)) return;
  const plan = planReduction(g, device.tuning);
  sums(
    device,
    plan,
    { kernel: "scale-sums", flags: { D_GAMMA: dGamma !== null, D_BETA: dBeta !== null }, params: plan },
    { 1: dy, 2: dGamma && x },
    { 3: dGamma, 4: dBeta },
  );
}
