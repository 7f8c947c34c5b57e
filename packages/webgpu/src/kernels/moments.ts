import type { Average, Geometry, Moments } from "@bn/core";
import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";
import { planFinish, planReduction } from "../plan.ts";

/** K-1, and with `average` K-7 in the same dispatch: one, or three where channels are cut into parts. */
export function moments(
  device: Device,
  x: Storage,
  g: Geometry,
  stats: Moments<Storage>,
  average: Average<Storage> | null,
): void {
  const plan = planReduction(g, device.tuning);
  const { vec4: VEC4, across: ACROSS, lanes, groups, splits } = plan;
  const kernel = "moments";
  const AVERAGE = average !== null;
  const step = average ? { fraction: average.fraction, correction: average.correction } : {};
  const out = {
    2: stats.mean,
    3: stats.variance,
    4: average?.running.mean,
    5: average?.running.variance,
    6: average?.running.factor,
  };
  if (splits === 1) {
    const flags = { VEC4, ACROSS, AVERAGE, ONCE: plan.once };
    device.run({ kernel, flags, lanes, params: { ...plan, ...step }, groups, buffers: { 1: x, ...out } });
    return;
  }
  const last = planFinish(plan, device.tuning);
  const parts = device.scratch(2 * (2 * splits + 1) * plan.channels); // pairs: two a part, and one a channel
  const cut = { kernel, flags: { VEC4, ACROSS }, lanes, params: plan, groups, buffers: { 1: x, 9: parts } } as const;
  device.run({ ...cut, entry: "sums" });
  device.run({ ...cut, entry: "deviations" });
  device.run({
    kernel,
    entry: "finish",
    flags: { AVERAGE },
    lanes: last.lanes,
    params: { ...last, ...step },
    groups: last.groups,
    buffers: { ...out, 9: parts },
  });
}
