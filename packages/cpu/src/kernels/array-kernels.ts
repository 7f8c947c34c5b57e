import type { Geometry } from "@bn/core";
import type { Scratch } from "../scratch.ts";

/**
 * The kernels of one dtype on plain arrays. Each kernel's own file documents it. V8 compiles a function for the kinds
 * of array that it has seen, and a function that has seen two kinds is several times slower. Every dtype therefore has
 * functions of its own.
 */
export interface ArrayKernels<A> {
  moments(x: A, g: Geometry, mean: A, variance: A, s: Scratch): void;
  splitMoments(x: A, g: Geometry, mean: A, meanLow: A, m2: A, s: Scratch): void;
  normalize(
    x: A,
    g: Geometry,
    mean: A,
    variance: A,
    eps: number,
    gamma: A | null,
    beta: A | null,
    y: A,
    s: Scratch,
  ): void;
  gradSums(
    dy: A,
    x: A,
    g: Geometry,
    mean: A,
    variance: A,
    eps: number,
    sumDy: A,
    sumDyXhat: A,
    gammaGrad: A | null,
    betaGrad: A | null,
    s: Scratch,
  ): void;
  gradNormalize(
    dy: A,
    x: A,
    g: Geometry,
    mean: A,
    variance: A,
    eps: number,
    gamma: A | null,
    sumDy: A | null,
    sumDyXhat: A | null,
    count: number,
    dx: A,
    s: Scratch,
  ): void;
  forward(
    x: A,
    g: Geometry,
    mean: A,
    variance: A,
    eps: number,
    gamma: A | null,
    beta: A | null,
    y: A,
    s: Scratch,
  ): void;
  backward(
    dy: A,
    x: A,
    g: Geometry,
    mean: A,
    variance: A,
    eps: number,
    gamma: A | null,
    sumDy: A,
    sumDyXhat: A,
    gammaGrad: A | null,
    betaGrad: A | null,
    count: number,
    dx: A,
    s: Scratch,
  ): void;
  scale(x: A, g: Geometry, gamma: A, beta: A | null, y: A, s: Scratch): void;
  scaleSums(dy: A, x: A, g: Geometry, gammaGrad: A | null, betaGrad: A | null, s: Scratch): void;
  movingAverage(
    channels: number,
    mean: A,
    variance: A,
    meanSum: A,
    varianceSum: A,
    factor: A,
    fraction: number,
    correction: number,
  ): void;
  globalStats(channels: number, meanSum: A, varianceSum: A, factor: A, mean: A, variance: A): void;
}
