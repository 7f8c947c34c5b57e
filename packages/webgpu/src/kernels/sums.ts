import type { Device, Dispatch, Operands } from "../device.ts";
import { planFinish, type ReductionPlan } from "../plan.ts";
import type { Flags } from "../variant.ts";

/** A kernel that is two sums a channel: one dispatch, or two where channels are cut into parts (lib/sums.wgsl). */
export function sums(
  device: Device,
  plan: ReductionPlan,
  { kernel, flags, params }: Pick<Dispatch, "kernel" | "params"> & { flags: Flags },
  input: Operands,
  output: Operands,
): void {
  const { vec4: VEC4, across: ACROSS, lanes, groups, splits } = plan;
  const all = { ...flags, VEC4, ACROSS };
  if (splits === 1) {
    device.run({ kernel, flags: all, lanes, params, groups, buffers: { ...input, ...output } });
    return;
  }
  const last = planFinish(plan, device.tuning);
  const parts = device.scratch(2 * splits * plan.channels);
  device.run({ kernel, entry: "part", flags: all, lanes, params, groups, buffers: { ...input, 9: parts } });
  device.run({
    kernel,
    entry: "finish",
    flags,
    lanes: last.lanes,
    params: last,
    groups: last.groups,
    buffers: { ...output, 9: parts },
  });
}
