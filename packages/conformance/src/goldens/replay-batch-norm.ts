import type { Dtype, Geometry } from "@bn/core";
import {
  averageBound,
  globalBound,
  gradNormalizeBound,
  gradSumBounds,
  normalizeBound,
  type StatErrors,
  type SumErrors,
} from "../truth/bounds.ts";
import { dd } from "../truth/dd.ts";
import * as oracle from "../truth/oracle.ts";
import type { Arithmetic } from "./arithmetic.ts";
import { type ReplayLayer, saturate, saturated, type Tracked, zeros } from "./tracked.ts";
import type { GoldenBatchNorm, GoldenTensor } from "./types.ts";

/** BatchNorm: values by the oracle (BN-5 to BN-11); errors by N-2 to N-8, and those of bottom and top.diff (G-2). */
export function replayBatchNorm(
  { effective, initialBlobs }: GoldenBatchNorm,
  dtype: Dtype,
  arithmetic: Arithmetic,
): ReplayLayer {
  const { useGlobalStats, fraction, eps } = effective;
  const p = arithmetic.precision;
  const [sums, squares, factor] = initialBlobs as [GoldenTensor, GoldenTensor, GoldenTensor];
  let running: oracle.RunningStats = {
    mean: oracle.channelsOf(sums.data),
    variance: oracle.channelsOf(squares.data),
    factor: dd(factor.data[0] as number),
  };
  let runningErrors: Float64Array[] = initialBlobs.map(({ data }) => new Float64Array(data.length));
  let g: Geometry = { outer: 0, channels: 0, inner: 0 };
  let x: Tracked = zeros(0);
  let stats: oracle.Stats = running;
  let errors: StatErrors = { mean: new Float64Array(0), variance: new Float64Array(0) };

  const blobValues = () => [
    oracle.valuesOf(running.mean),
    oracle.valuesOf(running.variance),
    Float64Array.of(running.factor.hi),
  ];

  /** Errors e of bottom add mean e to the mean's, and mean 2 |x - mean| (e + mean e) to the variance's. */
  const batchErrors = (): StatErrors => {
    const own = arithmetic.moments(x.value, g, stats);
    const m = g.outer * g.inner;
    const given = perChannel(g, (i) => at(x.error, i) / m);
    const crossed = perChannel(g, (i, c) => {
      const deviation = Math.abs(at(x.value, i) - (stats.mean[c]?.hi as number));
      return (2 * deviation * (at(x.error, i) + at(given, c))) / m;
    });
    return { mean: plus(own.mean, given), variance: plus(own.variance, crossed) };
  };

  const average = () => {
    const correction = oracle.correctionOf(g);
    const fresh = [oracle.valuesOf(stats.mean), oracle.valuesOf(stats.variance), Float64Array.of(1)];
    const weights = [1, correction.hi, 1];
    const own = [errors.mean, errors.variance, new Float64Array(1)];
    runningErrors = blobValues().map((before, i) => {
      const weighted = (values: Float64Array | undefined) => (values as Float64Array).map((v) => v * at(weights, i));
      return averageBound(p, before, fraction, weighted(fresh[i]), weighted(own[i]), runningErrors[i] ?? null);
    });
    const next = oracle.movingAverage(running, stats, fraction, correction);
    running = { ...inRange(dtype, next), factor: next.factor };
  };

  return {
    get blobs() {
      return blobValues().map((value, i) => ({ value, error: runningErrors[i] as Float64Array }));
    },
    blobDiffs: [],
    clearParamDiffs() {},
    forward([bottom], geometry) {
      x = bottom as Tracked;
      g = geometry;
      stats = inRange(dtype, useGlobalStats ? oracle.globalStats(running) : oracle.moments(x.value, g));
      // A layer with global statistics never changes its blobs, so they carry no error of their own.
      const found = useGlobalStats
        ? { mean: globalBound(p, stats.mean), variance: globalBound(p, stats.variance) }
        : batchErrors();
      errors = { ...found, variance: found.variance.map((d) => (d === Number.POSITIVE_INFINITY ? 0 : d)) };
      if (!useGlobalStats) average();
      const value = saturated(dtype, oracle.normalize(x.value, g, stats, eps, null));
      const error = normalizeBound(p, x.value, g, stats, eps, null, errors);
      const r = oracle.valuesOf(oracle.reciprocalStd(stats.variance, eps));
      oracle.each(g, (i, c) => {
        error[i] = at(error, i) + at(r, c) * at(x.error, i);
      });
      return { value, error };
    },
    backward(dy) {
      const total = useGlobalStats ? null : oracle.gradSums(dy.value, x.value, g, stats, eps);
      const dx = oracle.gradNormalize(dy.value, x.value, g, stats, eps, null, total);
      const r = oracle.valuesOf(oracle.reciprocalStd(stats.variance, eps));
      const sumErrors = total && errorsOfSums(dy, total, r);
      const error = gradNormalizeBound(p, dy.value, x.value, g, stats, eps, null, total, errors, sumErrors);
      const m = g.outer * g.inner;
      oracle.each(g, (i, c) => {
        const b = Math.abs(total?.dyXhat[c]?.hi ?? 0) / m;
        error[i] = at(error, i) + at(r, c) * (at(dy.error, i) + b * at(r, c) * at(x.error, i));
      });
      return [{ value: saturated(dtype, dx), error }];
    },
  };

  /** N-5; errors of dy and of x add sum |t| e and sum |dy| r e. */
  function errorsOfSums(dy: Tracked, total: oracle.GradSums, r: Float64Array): SumErrors {
    const own = gradSumBounds(p, dy.value, x.value, g, stats, eps, total, errors);
    const xhat = oracle.normalize(x.value, g, stats, eps, null);
    const size = perChannel(g, (i) => Math.abs(at(dy.value, i)));
    const sizeXhat = perChannel(g, (i) => Math.abs(at(dy.value, i) * at(xhat, i)));
    const given = perChannel(g, (i) => at(dy.error, i));
    const givenXhat = perChannel(
      g,
      (i, c) => at(dy.error, i) * Math.abs(at(xhat, i)) + Math.abs(at(dy.value, i)) * at(r, c) * at(x.error, i),
    );
    const resum = (bounds: Float64Array, sizes: Float64Array) =>
      bounds.map((bound, c) => arithmetic.resum(bound, at(sizes, c), g));
    return { dy: plus(resum(own.dy, size), given), dyXhat: plus(resum(own.dyXhat, sizeXhat), givenXhat) };
  }
}

function at(values: ArrayLike<number>, i: number): number {
  return values[i] as number;
}

function plus(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + at(b, i));
}

function perChannel(g: Geometry, term: (i: number, c: number) => number): Float64Array {
  const total = new Float64Array(g.channels);
  oracle.each(g, (i, c) => {
    total[c] = at(total, c) + term(i, c);
  });
  return total;
}

/** Statistics beyond the dtype's range are infinite in it. */
function inRange(dtype: Dtype, { mean, variance }: oracle.Stats): oracle.Stats {
  const clip = (channels: oracle.Channels) =>
    channels.map((value) => (saturate(dtype, value.hi) === value.hi ? value : dd(saturate(dtype, value.hi))));
  return { mean: clip(mean), variance: clip(variance) };
}
