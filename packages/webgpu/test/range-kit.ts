/** Data at the ends of float32's range, and a check for results outside the bounds of N-2 to N-6. */
import { bounds, oracle } from "@bn/conformance";
import type { Affine, Geometry } from "@bn/core";
import type { WebGpuBackend } from "../src/index.ts";

/** Repeatable numbers in [-1, 1). */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

type Value = (u: () => number, i: number) => number;
export interface Kind {
  readonly x: Value;
  readonly dy: Value;
  readonly gamma?: Value;
  readonly beta?: Value;
  /** Given statistics instead of the batch's. */
  readonly stats?: readonly [mean: number, variance: number];
  readonly eps?: number;
}

const MOST = (2 - 2 ** -23) * 2 ** 127;
const plain: Value = (u) => u();
/** Values whose statistics, gradients and tops are float32 numbers, although intermediate results may not be. */
export const KINDS: Readonly<Record<string, Kind>> = {
  "x of std 1e18": { x: (u) => u() * 2e18, dy: plain },
  "x of std 1e19 about 1e20": { x: (u) => 1e20 + u() * 2e19, dy: plain },
  "x beyond any variance": { x: (u) => u() * 3e38, dy: plain },
  "x at both ends": { x: (_u, i) => (i % 2 ? MOST : -MOST), dy: plain },
  "x at one end": { x: () => MOST, dy: plain },
  "one value of x far off": { x: (u, i) => (i === 5 ? 1e19 : u()), dy: plain },
  "x of std 1e19 in one channel of four": { x: (u, i) => u() * (i % 4 === 1 ? 2e19 : 1), dy: plain },
  "dy at both ends in one channel of four": {
    x: plain,
    dy: (u, i) => (i % 4 !== 1 ? u() : Math.floor(i / 28) % 2 ? 3e38 : -3e38),
  },
  "dy near 1e36": { x: plain, dy: (u) => u() * 1e36 },
  "dy at both ends": { x: plain, dy: (_u, i) => (Math.floor(i / 7) % 2 ? 3e38 : -3e38) },
  "dy near 1e36, x of std 1e18": { x: (u) => u() * 2e18, dy: (u) => u() * 1e36 },
  "dy near 1e-36": { x: plain, dy: (u) => u() * 1e-36 },
  "dy near 1e-30, x of std 1e12": { x: (u) => u() * 1e12, dy: (u) => u() * 1e-30 },
  "dy near 1e-30 on x^ near 1e-12": { x: (u) => u() * 1e-6, dy: (u) => u() * 1e-30, stats: [0, 1e12] },
  "gamma 1e38 on x of std 1e18": { x: (u) => u() * 2e18, dy: (u) => u() * 1e-3, gamma: () => 1e36 },
  "gamma 1e-38 on given statistics": { x: (u) => u() * 1e38, dy: plain, gamma: () => 1e-37, stats: [0, 1e6] },
  "beta that brings the top back": {
    x: (u) => 3 + u(),
    dy: plain,
    gamma: () => 1.2e38,
    beta: () => -3e38,
    stats: [0, 1],
  },
  "x - mean beyond range": { x: (u) => 3e38 + u() * 1e37, dy: (u) => u() * 1e-3, stats: [-3e38, 1e38] },
  "tiny x under eps 0": { x: (u) => u() * 1e-16, dy: plain, eps: 0 },
  "an eps near the end of the range": { x: plain, dy: plain, stats: [0, 3e38], eps: 3e38 },
};
/** Returns one line per wrong number. */
export async function rangeFaults(gpu: WebGpuBackend, g: Geometry, name: string): Promise<string[]> {
  const faults: string[] = [];
  const kind = KINDS[name] as Kind;
  const { channels } = g;
  const [n, m] = [g.outer * channels * g.inner, g.outer * g.inner];
  const eps = kind.eps ?? Math.fround(1e-5);
  const u = uniform(name.length * 7919 + n);
  const values = (value: Value, length: number) => Float32Array.from({ length }, (_, i) => value(u, i));
  const [x, dy] = [values(kind.x, n), values(kind.dy, n)];
  const [gamma, beta] = [values(kind.gamma ?? (() => 1.5), channels), values(kind.beta ?? (() => -0.25), channels)];

  const taken: { dispose(): void }[] = [];
  const alloc = (length: number, source?: ArrayLike<number>) => {
    const buffer = gpu.alloc("float32", length);
    taken.push(buffer);
    if (source) gpu.write(buffer, Float32Array.from(source));
    return buffer;
  };
  const precision = bounds.precisionOf("float32", gpu.supports);
  /** If the truth is beyond the range, both the largest number and infinity are accepted. */
  const near = (what: string, actual: ArrayLike<number>, truth: ArrayLike<number>, bound: ArrayLike<number>) => {
    for (let i = 0; i < truth.length; i++) {
      const [a, t, b] = [actual[i] as number, truth[i] as number, bound[i] as number];
      const right =
        Math.abs(t) + b > MOST
          ? Math.abs(a) >= Math.min(MOST, Math.abs(t) - b)
          : Math.abs(a - t) <= b + 2 ** -53 * Math.abs(t);
      if (!right) faults.push(`${what}[${i}] is ${a}, truth ${t}, bound ${b}`);
    }
  };
  /** A kernel that runs in place must give the same bits as out of place. */
  const same = async (what: string, buffer: ReturnType<typeof alloc>, elsewhere: ArrayLike<number>) => {
    const actual = await gpu.read(buffer, n);
    for (let i = 0; i < n; i++)
      if (!Object.is(actual[i], elsewhere[i]))
        faults.push(`${what}[${i}] is ${actual[i]} in place, not ${elsewhere[i]}`);
  };
  gpu.reserve?.("float32", g);
  const source = alloc(n, x);
  const stats = { mean: alloc(channels), variance: alloc(channels) };
  gpu.kernels.moments(source, g, stats);
  const truth = oracle.moments(x, g);
  const errors = bounds.momentBounds(precision, x, g, truth);
  near("mean", await gpu.read(stats.mean, channels), oracle.valuesOf(truth.mean), errors.mean);
  near("variance", await gpu.read(stats.variance, channels), oracle.valuesOf(truth.variance), errors.variance);

  const given = kind.stats;
  if (given)
    for (const [i, buffer] of [stats.mean, stats.variance].entries())
      gpu.kernels.fill(channels, given[i] as number, buffer);
  const [means, variances] = [await gpu.read(stats.mean, channels), await gpu.read(stats.variance, channels)];
  const kept = { mean: alloc(channels, means), variance: alloc(channels, variances) };
  const used = { mean: oracle.channelsOf(means), variance: oracle.channelsOf(variances) };
  const affine = { gamma: oracle.channelsOf(gamma), beta: oracle.channelsOf(beta) };
  const buffers: Affine<ReturnType<typeof alloc>> = { gamma: alloc(channels, gamma), beta: alloc(channels, beta) };
  const y = alloc(n);
  gpu.kernels.normalize(source, g, stats, eps, buffers, y);
  const tops = await gpu.read(y, n);
  near(
    "y",
    tops,
    oracle.normalize(x, g, used, eps, affine),
    bounds.normalizeBound(precision, x, g, used, eps, affine, null),
  );
  gpu.write(y, x);
  gpu.kernels.normalize(y, g, stats, eps, buffers, y);
  await same("y", y, tops);

  const [top, dx] = [alloc(n, dy), alloc(n)];
  const sums = { dy: alloc(channels), dyXhat: alloc(channels) };
  gpu.kernels.gradSums(top, source, g, stats, eps, sums, null);
  const sumTruth = oracle.gradSums(dy, x, g, used, eps);
  const sumErrors = bounds.gradSumBounds(precision, dy, x, g, used, eps, sumTruth, null);
  near("sum dy", await gpu.read(sums.dy, channels), oracle.valuesOf(sumTruth.dy), sumErrors.dy);
  near("sum dy x^", await gpu.read(sums.dyXhat, channels), oracle.valuesOf(sumTruth.dyXhat), sumErrors.dyXhat);

  const usedSums = {
    dy: oracle.channelsOf(await gpu.read(sums.dy, channels)),
    dyXhat: oracle.channelsOf(await gpu.read(sums.dyXhat, channels)),
  };
  const finite = [...usedSums.dy, ...usedSums.dyXhat].every(({ hi }) => Number.isFinite(hi));
  for (const withSums of finite ? [true, false] : [false]) {
    gpu.kernels.gradNormalize(top, source, g, stats, eps, buffers, withSums ? sums : null, m, dx);
    const s = withSums ? usedSums : null;
    const grads = await gpu.read(dx, n);
    const what = withSums ? "dx" : "dx without sums";
    near(
      what,
      grads,
      oracle.gradNormalize(dy, x, g, used, eps, affine.gamma, s),
      bounds.gradNormalizeBound(precision, dy, x, g, used, eps, affine.gamma, s, null, null),
    );
    gpu.write(dx, dy);
    gpu.kernels.gradNormalize(dx, source, g, stats, eps, buffers, withSums ? sums : null, m, dx);
    await same(what, dx, grads);
  }
  // In place and not, the fused kernels meet the bounds. Their bits may differ, because a compiler may round otherwise.
  for (const where of ["", " in place"]) {
    if (!given) {
      const input = where === "" ? source : y;
      gpu.write(y, x);
      gpu.kernels.forward?.(input, g, stats, null, eps, buffers, y);
      const [means, variances] = [await gpu.read(stats.mean, channels), await gpu.read(stats.variance, channels)];
      near(`mean of forward${where}`, means, oracle.valuesOf(truth.mean), errors.mean);
      near(`variance of forward${where}`, variances, oracle.valuesOf(truth.variance), errors.variance);
      const found = { mean: oracle.channelsOf(means), variance: oracle.channelsOf(variances) };
      const error = bounds.normalizeBound(precision, x, g, found, eps, affine, null);
      near(`y of forward${where}`, await gpu.read(y, n), oracle.normalize(x, g, found, eps, affine), error);
    }
    if (finite) {
      const input = where === "" ? top : dx;
      gpu.write(dx, dy);
      gpu.kernels.backward?.(input, source, g, kept, eps, buffers, sums, null, m, dx);
      const [dys, dyXhats] = [await gpu.read(sums.dy, channels), await gpu.read(sums.dyXhat, channels)];
      near(`sum dy of backward${where}`, dys, oracle.valuesOf(sumTruth.dy), sumErrors.dy);
      near(`sum dy x^ of backward${where}`, dyXhats, oracle.valuesOf(sumTruth.dyXhat), sumErrors.dyXhat);
      const found = { dy: oracle.channelsOf(dys), dyXhat: oracle.channelsOf(dyXhats) };
      const error = bounds.gradNormalizeBound(precision, dy, x, g, used, eps, affine.gamma, found, null, null);
      const right = oracle.gradNormalize(dy, x, g, used, eps, affine.gamma, found);
      near(`dx of backward${where}`, await gpu.read(dx, n), right, error);
    }
  }
  for (const buffer of taken) buffer.dispose();
  return faults;
}
