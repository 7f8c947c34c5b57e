/** The module's exports: each kernel in float32 and float64, addresses and sizes as numbers; 0 is no buffer. */

import { backward } from "./kernels/backward";
import { copy } from "./kernels/copy";
import { fill } from "./kernels/fill";
import { forward } from "./kernels/forward";
import { globalStats } from "./kernels/global-stats";
import { gradNormalize } from "./kernels/grad-normalize";
import { gradSums } from "./kernels/grad-sums";
import { moments } from "./kernels/moments";
import { movingAverage } from "./kernels/moving-average";
import { normalize } from "./kernels/normalize";
import { scale } from "./kernels/scale";
import { scaleSums } from "./kernels/scale-sums";

export { configure, help } from "./job";

import { SCRATCH } from "./shape";

/** First address that is free: below lie the job and the table's numbers. */
export function heapBase(): usize {
  return __heap_base;
}

export function scratchBytes(): u32 {
  return SCRATCH;
}

export function moments32(x: usize, outer: u32, channels: u32, inner: u32, mean: usize, variance: usize): void {
  moments<f32>(x, outer, channels, inner, mean, variance);
}
export function moments64(x: usize, outer: u32, channels: u32, inner: u32, mean: usize, variance: usize): void {
  moments<f64>(x, outer, channels, inner, mean, variance);
}
export function normalize32(
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
  normalize<f32>(x, outer, channels, inner, mean, variance, eps, gamma, beta, y);
}
export function normalize64(
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
  normalize<f64>(x, outer, channels, inner, mean, variance, eps, gamma, beta, y);
}
export function gradSums32(
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
  gradSums<f32>(dy, x, outer, channels, inner, mean, variance, eps, sumDy, sumDyXhat, gradGamma, gradBeta);
}
export function gradSums64(
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
  gradSums<f64>(dy, x, outer, channels, inner, mean, variance, eps, sumDy, sumDyXhat, gradGamma, gradBeta);
}
export function gradNormalize32(
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
  dx: usize,
): void {
  gradNormalize<f32>(dy, x, outer, channels, inner, mean, variance, eps, gamma, sumDy, sumDyXhat, dx);
}
export function gradNormalize64(
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
  dx: usize,
): void {
  gradNormalize<f64>(dy, x, outer, channels, inner, mean, variance, eps, gamma, sumDy, sumDyXhat, dx);
}
export function forward32(
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
  forward<f32>(x, outer, channels, inner, mean, variance, eps, gamma, beta, y);
}
export function forward64(
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
  forward<f64>(x, outer, channels, inner, mean, variance, eps, gamma, beta, y);
}
export function backward32(
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
  backward<f32>(dy, x, outer, channels, inner, mean, variance, eps, gamma, sumDy, sumDyXhat, gradGamma, gradBeta, dx);
}
export function backward64(
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
  backward<f64>(dy, x, outer, channels, inner, mean, variance, eps, gamma, sumDy, sumDyXhat, gradGamma, gradBeta, dx);
}
export function scale32(x: usize, outer: u32, channels: u32, inner: u32, gamma: usize, beta: usize, y: usize): void {
  scale<f32>(x, outer, channels, inner, gamma, beta, y);
}
export function scale64(x: usize, outer: u32, channels: u32, inner: u32, gamma: usize, beta: usize, y: usize): void {
  scale<f64>(x, outer, channels, inner, gamma, beta, y);
}
export function scaleSums32(
  dy: usize,
  x: usize,
  outer: u32,
  channels: u32,
  inner: u32,
  dGamma: usize,
  dBeta: usize,
): void {
  scaleSums<f32>(dy, x, outer, channels, inner, dGamma, dBeta);
}
export function scaleSums64(
  dy: usize,
  x: usize,
  outer: u32,
  channels: u32,
  inner: u32,
  dGamma: usize,
  dBeta: usize,
): void {
  scaleSums<f64>(dy, x, outer, channels, inner, dGamma, dBeta);
}
export function movingAverage32(
  channels: u32,
  mean: usize,
  variance: usize,
  runningMean: usize,
  runningVariance: usize,
  factor: usize,
  fraction: f64,
  correction: f64,
): void {
  movingAverage<f32>(channels, mean, variance, runningMean, runningVariance, factor, fraction, correction);
}
export function movingAverage64(
  channels: u32,
  mean: usize,
  variance: usize,
  runningMean: usize,
  runningVariance: usize,
  factor: usize,
  fraction: f64,
  correction: f64,
): void {
  movingAverage<f64>(channels, mean, variance, runningMean, runningVariance, factor, fraction, correction);
}
export function globalStats32(
  channels: u32,
  runningMean: usize,
  runningVariance: usize,
  factor: usize,
  mean: usize,
  variance: usize,
): void {
  globalStats<f32>(channels, runningMean, runningVariance, factor, mean, variance);
}
export function globalStats64(
  channels: u32,
  runningMean: usize,
  runningVariance: usize,
  factor: usize,
  mean: usize,
  variance: usize,
): void {
  globalStats<f64>(channels, runningMean, runningVariance, factor, mean, variance);
}
export function copy32(length: u32, x: usize, y: usize): void {
  copy<f32>(length, x, y);
}
export function copy64(length: u32, x: usize, y: usize): void {
  copy<f64>(length, x, y);
}
export function fill32(length: u32, value: f64, y: usize): void {
  fill<f32>(length, value, y);
}
export function fill64(length: u32, value: f64, y: usize): void {
  fill<f64>(length, value, y);
}
