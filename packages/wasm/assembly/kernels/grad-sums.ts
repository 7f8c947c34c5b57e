/**
 * K-3. For each channel sum dy and sum dy * x^, x^ = (x - mean) r; adds them into the gradients of beta and gamma.
 *
 * The terms are dy * ((x - mean) p), p the power of two next to r, and the sum is multiplied by r / p in float64: the
 * terms are in range wherever dy * x^ is, and nothing but dy * (x - mean) rounds. Runs as in moments.ts. Bounds: N-5, N-7.
 */
import { job } from "../job";
import { planColumns, usePlanes } from "../shape";
import { gradSumsOfTile } from "./grad-sums/columns";
import { gradSumsOfPlanes } from "./grad-sums/planes";

export function gradSums<T>(
  dy: usize,
  x: usize,
  outer: u32,
  channels: u32,
  inner: u32,
  mean: usize,
  variance: usize,
  eps: f64,
  sumDy: usize,
  sumDyXhat: usize,
  gradGamma: usize,
  gradBeta: usize,
): void {
  job.dy = dy;
  job.x = x;
  job.mean = mean;
  job.variance = variance;
  job.eps = eps;
  job.sumDy = sumDy;
  job.sumDyXhat = sumDyXhat;
  job.gradGamma = gradGamma;
  job.gradBeta = gradBeta;
  sumTensor<T>(outer, channels, inner);
}

/** The sums of the job's operands. Without `variance` and `mean` (0): sum dy * x. */
export function sumTensor<T>(outer: u32, channels: u32, inner: u32): void {
  if (!usePlanes(outer, channels, inner)) {
    const width = channels * job.inner;
    for (let column: u32 = 0; column < width; column += job.columns) {
      planColumns<T>(column);
      gradSumsOfTile<T>();
    }
  } else {
    gradSumsOfPlanes<T>();
  }
}
