/** Stores a channel's moments: mean and variance, or for splitMoments the mean in two parts and the sum of squares. */
import { scaleBy } from "../../careful/scaled";
import { job } from "../../job";
import { count } from "../../shape";
import { finite } from "../../vector";

/** Stores mean + low, both float64. meanLow receives the part of the mean that the dtype cannot hold. */
export function storeMean<T>(channel: u32, mean: f64, low: f64): void {
  const at = channel * sizeof<T>();
  const rounded = <T>mean;
  store<T>(job.mean + at, rounded);
  if (job.meanLow) store<T>(job.meanLow + at, finite(mean) ? <T>(mean - f64(rounded) + low) : 0);
}

/** Stores squares * 2^e. */
export function storeSquares<T>(channel: u32, squares: f64, e: i32): void {
  const at = channel * sizeof<T>();
  if (job.variance) store<T>(job.variance + at, <T>(e === 0 ? squares / count() : scaleBy(squares / count(), e)));
  else store<T>(job.m2 + at, <T>scaleBy(squares, e));
}
