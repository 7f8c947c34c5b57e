/** The module's exports. Each runs one kernel on the operands of the job, in float64 if `wide`. */

import { SHARES } from "./job";
import { backward as backward_ } from "./kernels/backward";
import { copy as copy_ } from "./kernels/copy";
import { fill as fill_ } from "./kernels/fill";
import { forward as forward_ } from "./kernels/forward";
import { globalStats as globalStats_ } from "./kernels/global-stats";
import { gradNormalize as gradNormalize_ } from "./kernels/grad-normalize";
import { gradSums as gradSums_ } from "./kernels/grad-sums";
import { moments as moments_ } from "./kernels/moments";
import { movingAverage as movingAverage_ } from "./kernels/moving-average";
import { normalize as normalize_ } from "./kernels/normalize";
import { SCRATCH } from "./shape";

export { configure, help } from "./job";

/** The first free address. Below it lie the job and the data of the function table. */
export function heapBase(): usize {
  return __heap_base;
}

export function scratchBytes(): u32 {
  return SHARES + SCRATCH;
}

export function backward(wide: bool): void {
  if (wide) backward_<f64>();
  else backward_<f32>();
}

export function copy(wide: bool): void {
  if (wide) copy_<f64>();
  else copy_<f32>();
}

export function fill(wide: bool): void {
  if (wide) fill_<f64>();
  else fill_<f32>();
}

export function forward(wide: bool): void {
  if (wide) forward_<f64>();
  else forward_<f32>();
}

export function globalStats(wide: bool): void {
  if (wide) globalStats_<f64>();
  else globalStats_<f32>();
}

export function gradNormalize(wide: bool): void {
  if (wide) gradNormalize_<f64>();
  else gradNormalize_<f32>();
}

export function gradSums(wide: bool): void {
  if (wide) gradSums_<f64>();
  else gradSums_<f32>();
}

export function moments(wide: bool): void {
  if (wide) moments_<f64>();
  else moments_<f32>();
}

export function movingAverage(wide: bool): void {
  if (wide) movingAverage_<f64>();
  else movingAverage_<f32>();
}

export function normalize(wide: bool): void {
  if (wide) normalize_<f64>();
  else normalize_<f32>();
}
