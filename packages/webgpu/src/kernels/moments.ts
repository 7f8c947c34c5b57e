import type { Average, Geometry, Moments, SplitMoments } from "@bn/core";
import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";
import { planFinish, planReduction, reductionFlags, scratchOf } from "../plan.ts";
import { LEAST_THREADS_OF_GPU } from "../tuning.ts";

/**
 * Channels of so few parts, or of so few units per lane of `finish`, are read again by `finish` if need be. On an H100 another
 * dispatch over the parts takes 6 to 9 us, whether or not it is needed. A second look of `finish` takes 17 us at [25088, 256], which
 * has 98 units per lane, and 55 us at [100352, 64], which has 392.
 */
const MOST_PARTS_AGAIN = 16;
const MOST_UNITS_AGAIN = 128;
/** Units per lane that `finish` reads again in less time than `sums` takes a sample: it always does, and there is none. */
const MOST_UNITS_TWICE = 32;

/** K-1, and with `average` K-7 in the same dispatch; or K-12. One dispatch; two or three if channels are cut into parts. */
export function moments(
  device: Device,
  x: Storage,
  g: Geometry,
  stats: Moments<Storage> | SplitMoments<Storage>,
  average: Average<Storage> | null,
): void {
  const plan = planReduction(g, device.tuning);
  const { lanes, groups, splits, units } = plan;
  const kernel = "moments";
  const split = "meanLow" in stats ? stats : null;
  const SPLIT = split !== null;
  const outFlags = { SPLIT, AVERAGE: average !== null };
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
    const flags = { ...outFlags, ...reductionFlags(plan), ONCE: plan.once && !SPLIT };
    device.run({ kernel, entry: "uncut", flags, lanes, params: { ...plan, ...step }, groups, buffers: out });
    return;
  }
  const last = planFinish(plan, device.tuning);
  const parts = device.scratch(scratchOf(plan));
  const DEVIATIONS = SPLIT || (splits > MOST_PARTS_AGAIN && units > MOST_UNITS_AGAIN * last.lanes);
  const ONCE = units > MOST_UNITS_TWICE * last.lanes;
  // An emulator reads a channel again in a few times what a sample takes.
  const SURE = !DEVIATIONS && device.tuning.workgroup >= LEAST_THREADS_OF_GPU;
  const flags = { ...reductionFlags(plan), SPLIT, ONCE, SURE };
  const cut = { kernel, flags, lanes, params: plan, groups, buffers: { 1: x, 9: parts } } as const;
  device.run({ ...cut, entry: "sums" });
  if (DEVIATIONS) device.run({ ...cut, entry: "deviations" });
  device.run({
    kernel,
    entry: "finish",
    flags: { ...outFlags, ...reductionFlags(last), DEVIATIONS },
    lanes: last.lanes,
    params: { ...last, ...step },
    groups: last.groups,
    buffers: { ...out, 9: parts },
  });
}
