/** K-6. Adds sum dy * x into dGamma and sum dy into dBeta, each if given: grad-sums.ts without mean and variance. */
import { gradSums } from "./grad-sums";

export function scaleSums<T>(
  dy: usize,
  x: usize,
  outer: u32,
  channels: u32,
  inner: u32,
  dGamma: usize,
  dBeta: usize,
): void {
  gradSums<T>(dy, x, outer, channels, inner, 0, 0, 0, 0, 0, dGamma, dBeta);
}
