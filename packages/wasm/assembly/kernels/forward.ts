/** K-10. moments, movingAverage and normalize, a channel at a time while it is in cache. */
import { job, run } from "../job";
import { bytes, parts, planChannels, planColumns, usePlanes } from "../shape";
import { momentsOfTile } from "./moments/columns";
import { momentsOfChannel, momentsOfParts } from "./moments/planes";
import { mapTensor, normalizeChannel, normalizeTile } from "./normalize";

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
  } else if (planChannels<T>(1)) {
    run((item: u32) => forwardOfChannels<T>(item), parts(channels, job.span), 2 * bytes<T>());
  } else {
    momentsOfParts<T>();
    mapTensor<T>(outer, channels, inner);
  }
}

export function forwardOfChannels<T>(item: u32): void {
  const last = min((item + 1) * job.span, job.channels);
  for (let channel = item * job.span; channel < last; channel++) {
    momentsOfChannel<T>(channel);
    normalizeChannel<T>(channel);
  }
}
