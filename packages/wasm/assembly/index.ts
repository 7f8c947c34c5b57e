/** The module's exports: each kernel, in float64 where `wide`; addresses and sizes as numbers, 0 for no buffer. */
import { backward as backward_ } from "./kernels/backward";
import { copy as copy_ } from "./kernels/copy";
import { fill as fill_ } from "./kernels/fill";
import { forward as forward_ } from "./kernels/forward";
import { globalStats as globalStats_ } from "./kernels/global-stats";
import { gradNormalize as gradNormalize_ } from "./kernels/grad-normalize";
import { gradSums as gradSums_ } from "./kernels/grad-sums";
import { moments as moments_, splitMoments as splitMoments_ } from "./kernels/moments";
import { movingAverage as movingAverage_ } from "./kernels/moving-average";
import { normalize as normalize_ } from "./kernels/normalize";
import { scale as scale_ } from "./kernels/scale";
import { scaleSums as scaleSums_ } from "./kernels/scale-sums";
import { SCRATCH } from "./shape";

export { configure, help } from "./job";

/** First address that is free: below lie the job and the table's numbers. */
export function heapBase(): usize {
  return __heap_base;
}

export function scratchBytes(): u32 {
  return SCRATCH;
}

export function backward(
  wide: bool,
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
  if (wide)
    backward_<f64>(
      dy,
      x,
      outer,
      channels,
      inner,
      mean,
      variance,
      eps,
      gamma,
      sumDy,
      sumDyXhat,
      gradGamma,
      gradBeta,
      m,
      dx,
    );
  else
    backward_<f32>(
      dy,
      x,
      outer,
      channels,
      inner,
      mean,
      variance,
      eps,
      gamma,
      sumDy,
      sumDyXhat,
      gradGamma,
      gradBeta,
      m,
      dx,
    );
}

export function copy(wide: bool, length: u32, x: usize, y: usize): void {
  if (wide) copy_<f64>(length, x, y);
  else copy_<f32>(length, x, y);
}

export function fill(wide: bool, length: u32, value: f64, y: usize): void {
  if (wide) fill_<f64>(length, value, y);
  else fill_<f32>(length, value, y);
}

export function forward(
  wide: bool,
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
  if (wide) forward_<f64>(x, outer, channels, inner, mean, variance, eps, gamma, beta, y);
  else forward_<f32>(x, outer, channels, inner, mean, variance, eps, gamma, beta, y);
}

export function globalStats(
  wide: bool,
  channels: u32,
  runningMean: usize,
  runningVariance: usize,
  factor: usize,
  mean: usize,
  variance: usize,
): void {
  if (wide) globalStats_<f64>(channels, runningMean, runningVariance, factor, mean, variance);
  else globalStats_<f32>(channels, runningMean, runningVariance, factor, mean, variance);
}

export function gradNormalize(
  wide: bool,
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
  m: f64,
  dx: usize,
): void {
  if (wide) gradNormalize_<f64>(dy, x, outer, channels, inner, mean, variance, eps, gamma, sumDy, sumDyXhat, m, dx);
  else gradNormalize_<f32>(dy, x, outer, channels, inner, mean, variance, eps, gamma, sumDy, sumDyXhat, m, dx);
}

export function gradSums(
  wide: bool,
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
  if (wide) gradSums_<f64>(dy, x, outer, channels, inner, mean, variance, eps, sumDy, sumDyXhat, gradGamma, gradBeta);
  else gradSums_<f32>(dy, x, outer, channels, inner, mean, variance, eps, sumDy, sumDyXhat, gradGamma, gradBeta);
}

export function moments(
  wide: bool,
  x: usize,
  outer: u32,
  channels: u32,
  inner: u32,
  mean: usize,
  variance: usize,
): void {
  if (wide) moments_<f64>(x, outer, channels, inner, mean, variance);
  else moments_<f32>(x, outer, channels, inner, mean, variance);
}

export function movingAverage(
  wide: bool,
  channels: u32,
  mean: usize,
  variance: usize,
  runningMean: usize,
  runningVariance: usize,
  factor: usize,
  fraction: f64,
  correction: f64,
): void {
  if (wide) movingAverage_<f64>(channels, mean, variance, runningMean, runningVariance, factor, fraction, correction);
  else movingAverage_<f32>(channels, mean, variance, runningMean, runningVariance, factor, fraction, correction);
}

export function normalize(
  wide: bool,
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
  if (wide) normalize_<f64>(x, outer, channels, inner, mean, variance, eps, gamma, beta, y);
  else normalize_<f32>(x, outer, channels, inner, mean, variance, eps, gamma, beta, y);
}

export function scale(
  wide: bool,
  x: usize,
  outer: u32,
  channels: u32,
  inner: u32,
  gamma: usize,
  beta: usize,
  y: usize,
): void {
  if (wide) scale_<f64>(x, outer, channels, inner, gamma, beta, y);
  else scale_<f32>(x, outer, channels, inner, gamma, beta, y);
}

export function scaleSums(
  wide: bool,
  dy: usize,
  x: usize,
  outer: u32,
  channels: u32,
  inner: u32,
  dGamma: usize,
  dBeta: usize,
): void {
  if (wide) scaleSums_<f64>(dy, x, outer, channels, inner, dGamma, dBeta);
  else scaleSums_<f32>(dy, x, outer, channels, inner, dGamma, dBeta);
}

export function splitMoments(
  wide: bool,
  x: usize,
  outer: u32,
  channels: u32,
  inner: u32,
  mean: usize,
  meanLow: usize,
  m2: usize,
): void {
  if (wide) splitMoments_<f64>(x, outer, channels, inner, mean, meanLow, m2);
  else splitMoments_<f32>(x, outer, channels, inner, mean, meanLow, m2);
}
