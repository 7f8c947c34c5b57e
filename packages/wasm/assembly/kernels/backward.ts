/** K-10. gradSums and gradNormalize, a block of channels at a time where it stays in cache. */
import { job, run } from "../job";
import { bytes, isCached, parts, planBlocks, planColumns, usePlanes } from "../shape";
import { gradNormalizeAll, gradNormalizeBlock, gradNormalizeChannel, gradNormalizeTile } from "./grad-normalize";
import { gradSumsOfTile } from "./grad-sums/columns";
import { gradSumsOfChannel, gradSumsOfPlanes } from "./grad-sums/planes";

export function backward<T>(
  dy: usize,
  x: usize,
  outer: u32,
  channels: u32,
  inner: u32,
  mean: usize,
  variance: usize,
  eps: f64,
  gamma: usize,
  sumDy: usize,
  sumDyXhat: usize,
  gradGamma: usize,
  gradBeta: usize,
  m: f64,
  dx: usize,
): void {
  job.dy = dy;
  job.x = x;
  job.mean = mean;
  job.variance = variance;
  job.eps = eps;
  job.gamma = gamma;
  job.sumDy = sumDy;
  job.sumDyXhat = sumDyXhat;
  job.m = m;
  job.fused = 1;
  job.gradGamma = gradGamma;
  job.gradBeta = gradBeta;
  job.y = dx;
  if (!usePlanes(outer, channels, inner)) {
    const width = channels * job.inner;
    for (let column: u32 = 0; column < width; column += job.columns) {
      planColumns<T>(column);
      gradSumsOfTile<T>();
      gradNormalizeTile<T>();
    }
  } else if (planBlocks<T>(2)) {
    run((item: u32) => backwardOfBlock<T>(item), parts(channels, job.span), 3 * bytes<T>());
  } else {
    gradSumsOfPlanes<T>();
    gradNormalizeAll<T>();
  }
}

export function backwardOfBlock<T>(item: u32): void {
  const first = item * job.span;
  const last = min(first + job.span, job.channels);
  if (last - first > 1 && !isCached<T>()) {
    for (let channel = first; channel < last; channel++) gradSumsOfChannel<T>(channel);
    gradNormalizeBlock<T>(first, last);
    return;
  }
  for (let channel = first; channel < last; channel++) {
    gradSumsOfChannel<T>(channel);
    gradNormalizeChannel<T>(channel);
  }
}
