import type { Device, Dispatch, Operands } from "../device.ts";
import { planFinish, type ReductionPlan, reductionFlags, scratchOf } from "../plan.ts";
import type { Flags } from "../variant.ts";

/**
 * Runs a kernel that computes two sums per channel: one dispatch, or two if channels are cut into parts
 * (lib/sums.wgsl).
 */
export function sums(
  device: Device,
  plan: ReductionPlan,
  { kernel, flags, params }: Pick<Dispatch, "kernel" | "params"> & { flags: Flags },
  input: Operands,
  output: Operands,
): void {
  const { lanes, groups, splits } = plan;
  const all = { ...flags, ...reductionFlags(plan) };
  if (splits === 1) {
    device.run({ kernel, entry: "uncut", flags: all, lanes, params, groups, buffers: { ...input, ...output } });
    return;
  }
  const last = planFinish(plan, device.tuning);
  const parts = device.scratch(scratchOf(plan));
  device.run({ kernel, entry: "part", flags: all, lanes, params, groups, buffers: { ...input, 9: parts } });
  device.run({
    kernel,
    entry: "finish",
    flags: { ...flags, ...reductionFlags(last) },
    lanes: last.lanes,
    params: { ...params, ...last },
    groups: last.groups,
    buffers: { 1: input[1], 2: input[2], ...output, 9: parts }, // the tensors are bound because sums may be recomputed
  });
}
