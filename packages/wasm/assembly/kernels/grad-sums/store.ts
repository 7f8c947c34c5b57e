/** What ends a channel's gradient sums. */
import { job } from "../../job";
import { inverseOf } from "../normalize";

/** The power of two at or below r; 1 where r is 0, infinite or NaN. */
export function powerOf(r: f64): f64 {
  const bits = reinterpret<u64>(r) & 0x7ff0000000000000;
  return r > 0 && r < Infinity ? reinterpret<f64>(bits) : 1;
}

export function put<T>(channel: u32, sum: f64, products: f64): void {
  const r = inverseOf<T>(channel);
  const at = channel * sizeof<T>();
  const dot = <T>(products * (r / powerOf(r)));
  if (job.sumDy) store<T>(job.sumDy + at, <T>sum);
  if (job.sumDyXhat) store<T>(job.sumDyXhat + at, dot);
  if (job.gradGamma) store<T>(job.gradGamma + at, load<T>(job.gradGamma + at) + dot);
  if (job.gradBeta) store<T>(job.gradBeta + at, load<T>(job.gradBeta + at) + <T>sum);
}
