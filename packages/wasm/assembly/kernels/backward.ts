/** K-10. gradSums and gradNormalize, a block of channels at a time where it stays in cache. */
import { job, run } from "../job";
import { bytes, CHUNK, items, lastOfChunk, planBlocks, planColumns, usePlanes } from "../shape";
import { gradNormalizeAll, gradNormalizeBlock, gradNormalizeTile } from "./grad-normalize";
import { gradSumsOfChannels, gradSumsOfPlanes, gradSumsOfTile } from "./grad-sums";

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
    for (job.first = 0; job.first < channels; job.first += CHUNK)
      run((item: u32) => backwardOfBlock<T>(item), items(), 3 * bytes<T>());
  } else {
    gradSumsOfPlanes<T>();
    gradNormalizeAll<T>();
  }
}

export function backwardOfBlock<T>(item: u32): void {
  const first = job.first + item * job.span;
  const last = min(first + job.span, lastOfChunk());
  gradSumsOfChannels<T>(first, last);
  gradNormalizeBlock<T>(first, last);
}
