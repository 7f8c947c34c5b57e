import type { Geometry, HostArray } from "@bn/core";
import { type Precision, sumFactor } from "../../truth/bounds.ts";
import { gradSumErrors, momentErrors, type WideStats, type WideSums } from "../../truth/lines.ts";
import { compareChannels } from "../../truth/maps.ts";
import { wideMoments, wideProductSum, wideSum, wideSums } from "../../truth/reductions.ts";
import { reciprocalRoots, type Wide, wideOf } from "../../truth/wide.ts";
import { type Call, compareAdded, type SumTruth } from "./calls.ts";

type Known<T extends { readonly errors: unknown }> = T & { readonly errors: NonNullable<T["errors"]> };

/** The statistics of x, with the errors of N-2. */
export function momentsOf(p: Precision, x: HostArray, g: Geometry): Known<WideStats> {
  const truth = wideMoments(x, g, p.dtype);
  return { ...truth, errors: momentErrors(p, truth, g.outer * g.inner) };
}

/** The results of a kernel that computes statistics. */
export function momentOutputs({ bench, p, g }: Call) {
  const out = { mean: bench.output("mean", g.channels), variance: bench.output("variance", g.channels) };
  const compared = async ({ mean, variance, errors }: Known<WideStats>) => [
    compareChannels("mean", await bench.result("mean"), mean, errors.mean, p.dtype),
    compareChannels("variance", await bench.result("variance"), variance, errors.variance, p.dtype),
  ];
  return { out, compared };
}

/** Sum dy, sum dy x^ and the r of x^, with the errors of N-5. */
export interface GradSums extends Known<WideSums> {
  readonly r: Wide;
}

export function gradSumsOf(
  p: Precision,
  dy: HostArray,
  x: HostArray,
  g: Geometry,
  stats: WideStats,
  eps: number,
): GradSums {
  const r = reciprocalRoots(stats.variance, eps, p.dtype);
  const sums = wideSums(dy, x, g, stats.mean, r, p.dtype);
  const errors = gradSumErrors(p, sums.dy, sums.dyXhat, r, g.outer * g.inner, stats, eps);
  return { r, dy: sums.dy.sum, dyXhat: sums.dyXhat.sum, errors };
}

/** The gradients of gamma and beta: the sums, as what is added to former gradients. */
export function gradsOf({ dy, dyXhat, errors }: GradSums) {
  return { gamma: { sum: dyXhat, error: errors.dyXhat }, beta: { sum: dy, error: errors.dy } };
}

/**
 * The results of a kernel that sums gradients. `sums` is overwritten, and `grad` is added into. `mode` is "grad",
 * "grad.gamma", or something else for no grad. The kernel does not get absent operands, so it cannot change them.
 */
export function gradSumOutputs({ bench, p, g, data }: Call, mode = "") {
  const prior = { gamma: data.prior(0), beta: data.prior(1) };
  const gamma = mode.startsWith("grad") ? bench.inOut("grad.gamma", prior.gamma) : null;
  const beta = mode === "grad" ? bench.inOut("grad.beta", prior.beta) : null;
  const sums = { dy: bench.output("sums.dy", g.channels), dyXhat: bench.output("sums.dyXhat", g.channels) };
  const compared = async (truth: GradSums) => {
    const { gamma: dGamma, beta: dBeta } = gradsOf(truth);
    const done = [
      compareChannels("sums.dy", await bench.result("sums.dy"), truth.dy, truth.errors.dy, p.dtype),
      compareChannels("sums.dyXhat", await bench.result("sums.dyXhat"), truth.dyXhat, truth.errors.dyXhat, p.dtype),
    ];
    if (gamma) done.push(compareAdded(p, "grad.gamma", await bench.result("grad.gamma"), prior.gamma, dGamma));
    if (beta) done.push(compareAdded(p, "grad.beta", await bench.result("grad.beta"), prior.beta, dBeta));
    return done;
  };
  return { sums, grad: gamma && { gamma, beta }, compared };
}

/** Sum dy x, or sum dy if x is null, with the errors of N-1. */
export function scaleSumOf(p: Precision, dy: HostArray, x: HostArray | null, g: Geometry): SumTruth {
  const m = g.outer * g.inner;
  const [none, one] = [wideOf(new Float64Array(g.channels)), wideOf(new Float64Array(g.channels).fill(1))];
  const { sum, size } = x ? wideProductSum(dy, x, g, none, one, p.dtype) : wideSum(dy, g, p.dtype);
  return { sum, error: size.map((terms) => sumFactor(p, m) * terms + m * p.eta) };
}
