/** K-10. moments, movingAverage and normalize, a block of channels at a time where it stays in cache. */
import { job, run } from "../job";
import { bytes, isCached, parts, planBlocks, planColumns, usePlanes } from "../shape";
import { momentsOfTile } from "./moments/columns";
import { momentsOfChannel, momentsOfPlanes } from "./moments/planes";
import { mapTensor, normalizeBlock, normalizeChannel, normalizeTile } from "./normalize";

export function forward<T>(
  x: usize,
  outer: u32,
  channels: u32,
  inner: u32,
  mean: usize,
  variance: usize,
  eps: f64,
  gamma: usize,
  beta: usize,
  y: usize,
): void {
  job.x = x;
  job.mean = mean;
  job.meanLow = 0;
  job.variance = variance;
  job.eps = eps;
  job.gamma = gamma;
  job.beta = beta;
  job.y = y;
  if (!usePlanes(outer, channels, inner)) {
    const width = channels * job.inner;
    for (let column: u32 = 0; column < width; column += job.columns) {
      planColumns<T>(column);
      momentsOfTile<T>();
      normalizeTile<T>();
    }
  } else if (planBlocks<T>(1)) {
    run((item: u32) => forwardOfBlock<T>(item), parts(channels, job.span), 2 * bytes<T>());
  } else {
    momentsOfPlanes<T>();
    mapTensor<T>(outer, channels, inner);
  }
}

export function forwardOfBlock<T>(item: u32): void {
  const first = item * job.span;
  const last = min(first + job.span, job.channels);
  if (last - first > 1 && !isCached<T>()) {
    for (let channel = first; channel < last; channel++) momentsOfChannel<T>(channel);
    normalizeBlock<T>(first, last);
    return;
  }
  for (let channel = first; channel < last; channel++) {
    momentsOfChannel<T>(channel);
    normalizeChannel<T>(channel);
  }
}
