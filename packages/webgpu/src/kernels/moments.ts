import type { Average, Geometry, Moments, SplitMoments } from "@bn/core";
import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";
import { planFinish, planReduction, scratchOf } from "../plan.ts";

/** Parts of a channel that one workgroup reads again, if need be, about as fast as a dispatch of its own does. */
const MOST_PARTS_AGAIN = 16;

/** K-1, and with `average` K-7 in the same dispatch; or K-12. One dispatch; two or three if channels are cut into parts. */
export function moments(
  device: Device,
  x: Storage,
  g: Geometry,
  stats: Moments<Storage> | SplitMoments<Storage>,
  average: Average<Storage> | null,
): void {
  const plan = planReduction(g, device.tuning);
  const { vec4: VEC4, coef4: COEF4, across: ACROSS, lanes, groups, splits } = plan;
  const kernel = "moments";
  const split = "meanLow" in stats ? stats : null;
  const SPLIT = split !== null;
  const outFlags = { VEC4, COEF4, SPLIT, AVERAGE: average !== null };
  const step = average ? { fraction: average.fraction, correction: average.correction } : {};
  const out = {
    1: x,
    2: stats.mean,
    3: "meanLow" in stats ? stats.m2 : stats.variance,
    4: average?.running.mean,
    5: average?.running.variance,
    6: average?.running.factor,
    7: split?.meanLow,
  };
  if (splits === 1) {
    const flags = { ...outFlags, ACROSS, ONCE: plan.once && !SPLIT };
    device.run({ kernel, flags, lanes, params: { ...plan, ...step }, groups, buffers: out });
    return;
  }
  const last = planFinish(plan, device.tuning);
  const parts = device.scratch(scratchOf(plan));
  const flags = { VEC4, COEF4, ACROSS, SPLIT };
  const cut = { kernel, flags, lanes, params: plan, groups, buffers: { 1: x, 9: parts } } as const;
  const DEVIATIONS = SPLIT || splits > MOST_PARTS_AGAIN;
  device.run({ ...cut, entry: "sums" });
  if (DEVIATIONS) device.run({ ...cut, entry: "deviations" });
  device.run({
    kernel,
    entry: "finish",
    flags: { ...outFlags, DEVIATIONS },
    lanes: last.lanes,
    params: { ...last, ...step },
    groups: last.groups,
    buffers: { ...out, 9: parts },
  });
}
