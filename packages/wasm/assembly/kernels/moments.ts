/**
 * K-1. Mean and biased variance of each channel.
 *
 * Sums of d = x - s and of d * d, s a value of the channel near its mean, so that neither cancels. float32: runs of 16
 * additions a lane (each of a tree of 4), then float64. float64: the same runs, their sums compensated. Then
 * mean = s + A / n, variance = (Q - A A / n) / n: exact where all sums are. Where s was a bad guess (A A / n > Q / 4) the
 * sums are taken again about the mean just found; float64 always does so. Bounds: N-1, N-2, N-7.
 */
import { job } from "../job";
import { planColumns, usePlanes } from "../shape";
import { momentsOfTile } from "./moments/columns";
import { momentsOfPlanes } from "./moments/planes";

export function moments<T>(x: usize, outer: u32, channels: u32, inner: u32, mean: usize, variance: usize): void {
  job.x = x;
  job.mean = mean;
  job.meanLow = 0;
  job.variance = variance;
  momentsOfTensor<T>(outer, channels, inner);
}

/** K-12: what moments computes, before its last roundings. */
export function splitMoments<T>(
  x: usize,
  outer: u32,
  channels: u32,
  inner: u32,
  mean: usize,
  meanLow: usize,
  m2: usize,
): void {
  job.x = x;
  job.mean = mean;
  job.meanLow = meanLow;
  job.variance = 0;
  job.m2 = m2;
  momentsOfTensor<T>(outer, channels, inner);
}

function momentsOfTensor<T>(outer: u32, channels: u32, inner: u32): void {
  if (!usePlanes(outer, channels, inner)) {
    const width = channels * job.inner;
    for (let column: u32 = 0; column < width; column += job.columns) {
      planColumns<T>(column);
      momentsOfTile<T>();
    }
  } else {
    momentsOfPlanes<T>();
  }
}
