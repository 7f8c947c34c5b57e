/** K-10. gradSums and gradNormalize, a channel at a time while it is in cache. */
import { job, run } from "../job";
import { bytes, parts, planChannels, planColumns, usePlanes } from "../shape";
import { gradNormalizeAll, gradNormalizeChannel, gradNormalizeTile } from "./grad-normalize";
import { gradSumsOfTile } from "./grad-sums/columns";
import { gradSumsOfChannel, gradSumsOfParts } from "./grad-sums/planes";

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
  } else if (planChannels<T>(2)) {
    run((item: u32) => backwardOfChannels<T>(item), parts(channels, job.span), 3 * bytes<T>());
  } else {
    gradSumsOfParts<T>();
    gradNormalizeAll<T>();
  }
}

export function backwardOfChannels<T>(item: u32): void {
  const last = min((item + 1) * job.span, job.channels);
  for (let channel = item * job.span; channel < last; channel++) {
    gradSumsOfChannel<T>(channel);
    gradNormalizeChannel<T>(channel);
  }
}
