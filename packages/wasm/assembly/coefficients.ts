/** Values that are read or computed once per channel. */
import { job } from "./job";

/** 1 / sqrt(variance + eps), or 1 without a variance. */
export function inverseOf<T>(channel: u32): f64 {
  return job.variance ? 1 / sqrt(f64(load<T>(job.variance + channel * sizeof<T>())) + job.eps) : 1;
}

export function meanOf<T>(channel: u32): T {
  return job.mean ? load<T>(job.mean + channel * sizeof<T>()) : 0;
}
