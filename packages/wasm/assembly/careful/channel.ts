/** The operands of one channel, as the careful kernels read them: slowly, in float64, and without overflow. */
import { job } from "../job";
import { exponentOf, scaleBy } from "./scaled";

/** From 2^960 on, differences are taken of quarters, because the difference of two such numbers may overflow. */
const HUGE: f64 = 9.745314011399999e288;

let mean: f64 = 0;
let quarter: f64 = 1;
/** The power of two that a deviation was divided by. */
export let deviationExponent: i32 = 0;

/** 1 / sqrt(variance + eps) as r * 2^rExponent. */
export let r: f64 = 1;
export let rExponent: i32 = 0;

export function isHuge(x: f64): bool {
  return abs(x) >= HUGE;
}

/**
 * Reads the channel's statistics; without statistics, x - 0 and 1 are used. Returns false if r is infinite or an
 * operand is NaN.
 */
export function openChannel<T>(channel: u32): bool {
  mean = job.mean ? f64(load<T>(job.mean + channel * sizeof<T>())) : 0;
  quarter = isHuge(mean) ? 0.25 : 1;
  deviationExponent = isHuge(mean) ? 2 : 0;
  let inverse: f64 = 1;
  if (job.variance) {
    const variance = f64(load<T>(job.variance + channel * sizeof<T>()));
    const sum = variance + job.eps;
    inverse = sum === Infinity ? 0.5 / sqrt(variance * 0.25 + job.eps * 0.25) : 1 / sqrt(sum);
  }
  rExponent = exponentOf(inverse);
  r = scaleBy(inverse, -rExponent);
  return mean - mean === 0 && inverse - inverse === 0;
}

/** x - mean is the result times 2^deviationExponent. */
export function deviation(x: f64): f64 {
  return x * quarter - mean * quarter;
}

/** Bytes from the tensor's start to value i of a channel. */
export function offsetOf<T>(channel: u32, i: u32): usize {
  const row = i / job.inner;
  return ((row * job.channels + channel) * job.inner + (i - row * job.inner)) * sizeof<T>();
}
