import { createBatchNormScale, createScale, type Dtype, type Geometry, type HostArray } from "@bn/core";
import type { Case, Comparison } from "../case.ts";
import { scaleBound, sumBound } from "../truth/bounds.ts";
import { add, type DD, dd, div, mul, sub, ZERO } from "../truth/dd.ts";
import { channelsOf, each, type GammaBeta, moments, type Stats, scale, scaleSums, xhatOf } from "../truth/oracle.ts";
import {
  type BackwardTruth,
  backwardTruth,
  batchStats,
  check,
  forwardTruth,
  perChannel,
  storedStats,
  truth,
} from "../truth/truth.ts";
import { DTYPES, factors, normals } from "./data.ts";
import { geometryOf, type Single, scopedCase, type Tools } from "./layer-kit.ts";

/**
 * Gradients of L = sum w y by central differences, (L(x + h) - L(x - h)) / 2h, which do not depend on the formulas of
 * backward. They are computed twice:
 *
 * - from the oracle's forward in double-double, with h = 2^-30: truncation h^2 and rounding 2^-104 / h are negligible
 *   compared with u, so the layer's backward is held to N-6 alone, in both dtypes;
 * - from the layer's own forward in float64, with h = 2^-17: rounding counts E / h, where E is the sum of |w| times the bound
 *   N-4, and truncation counts as derived at `truncation`.
 */
const SHAPES: readonly (readonly number[])[] = [
  [2, 3, 2],
  [5, 2],
  [1, 2, 4],
];
const EPS = 2 ** -10;
const TINY_STEP = 2 ** -30;
const STEP = 2 ** -17;

interface Problem {
  readonly g: Geometry;
  /** Values have 24 bits even in float64, so that x + h is exact. */
  readonly x: HostArray;
  readonly w: HostArray;
  readonly gamma: HostArray;
  readonly beta: HostArray;
}

function problemFor({ id, dtype }: Tools, shape: readonly number[]): Problem {
  const g = geometryOf(shape);
  const count = g.outer * g.channels * g.inner;
  const round = (values: HostArray) => values.map((v) => Math.round(v * 2 ** 16) / 2 ** 16);
  return {
    g,
    x: round(normals(`${id}|x`, count, dtype)),
    w: normals(`${id}|w`, count, dtype),
    gamma: round(factors(`${id}|gamma`, g.channels, dtype)),
    beta: round(normals(`${id}|beta`, g.channels, dtype)),
  };
}

/** L in double-double, by forward's formula BS-1 alone. */
function loss({ g, w }: Problem, x: ArrayLike<number>, { gamma, beta }: GammaBeta, given: Stats | null): DD {
  const xhat = xhatOf(x, given ?? moments(x, g), EPS);
  let sum = ZERO;
  each(g, (i, c) => {
    const y = add(mul(xhat(i, c), gamma[c] as DD), (beta as readonly DD[])[c] as DD);
    sum = add(sum, mul(dd(w[i] as number), y));
  });
  return sum;
}

/** The central difference of `f` around each of `values`. */
function differences(values: ArrayLike<number>, h: number, f: (moved: Float64Array) => DD): Float64Array {
  return Float64Array.from(values, (value, i) => {
    const at = (moved: number) => f(Float64Array.from(values, (other, j) => (j === i ? moved : other)));
    return div(sub(at(value + h), at(value - h)), dd(2 * h)).hi;
  });
}

function oracleCase(shape: readonly number[], mode: "batch" | "global", dtype: Dtype): Case {
  const id = `gradients/oracle/${mode}/${shape.join("x")}/${dtype}`;
  return scopedCase({ id, group: "gradients", clause: "N-6", dtype }, async (t) => {
    const problem = problemFor(t, shape);
    const { g, x, w, gamma, beta } = problem;
    const global = mode === "global";
    const mean = normals(`${id}|mean`, g.channels, dtype);
    const variance = factors(`${id}|variance`, g.channels, dtype, true);
    const layer = layerFor(t, problem, shape, global);
    if (global) layer.write(0, mean, variance, [1]);
    layer.forward();
    layer.backward(w);

    const running = { mean: channelsOf(mean), variance: channelsOf(variance), factor: dd(1) };
    const stats = global ? storedStats(t.p, running) : batchStats(t.p, x, g);
    const given = global ? stats.stats : null;
    const affine = { gamma: channelsOf(gamma), beta: channelsOf(beta) };
    const bounds = backwardTruth(t.p, { x, g, eps: EPS, affine }, w, stats);
    const moved = (values: HostArray, of: (values: Float64Array) => DD) => differences(values, TINY_STEP, of);
    return compared(layer, 3, g, bounds, {
      dx: moved(x, (values) => loss(problem, values, affine, given)),
      dGamma: moved(gamma, (values) => loss(problem, x, { ...affine, gamma: channelsOf(values) }, given)),
      dBeta: moved(beta, (values) => loss(problem, x, { ...affine, beta: channelsOf(values) }, given)),
    });
  });
}

/** Compares gradients with differences. gamma is blobs[first], and beta follows it. */
async function compared(
  layer: Single,
  first: number,
  g: Geometry,
  { dx, dGamma, dBeta }: BackwardTruth,
  numeric: Readonly<Record<keyof BackwardTruth, Float64Array>>,
): Promise<Comparison[]> {
  const row = perChannel(g.channels);
  const [gamma, beta] = [await layer.readDiff(first), await layer.readDiff(first + 1)];
  return [
    check("bottom.diff", await layer.bottom.readDiff(), { ...dx, expected: numeric.dx }, g),
    check(`blobs[${first}].diff`, gamma, { ...dGamma, expected: numeric.dGamma }, row),
    check(`blobs[${first + 1}].diff`, beta, { ...dBeta, expected: numeric.dBeta }, row),
  ];
}

function layerFor(t: Tools, { x, gamma, beta }: Problem, shape: readonly number[], useGlobalStats: boolean): Single {
  const params = { eps: EPS, biasTerm: true, useGlobalStats, updateStats: false };
  const layer = t.single(createBatchNormScale(params), shape, x);
  layer.write(3, gamma, beta);
  return layer;
}

/**
 * Truncation of the central difference. With t = h r, a = x^_i / m and b = (m - 1) / m^2, moving x_i by h gives
 * y_j = (x^_j + t (d_ij - 1/m)) (1 + 2 a t + b t^2)^(-1/2), whose coefficient of t^3 is at most
 * |x^_j| (5 |a|^3 + 3 |a| b) / 2 + (3 a^2 + b) / 2. The difference quotient is off by t^2 r times the weighted sum of
 * those; terms of t^4 are less than as much again while t is small. (eps only makes a and b smaller.)
 */
function truncation({ g, x, w, gamma }: Problem, h: number): Float64Array {
  const { mean, variance } = moments(x, g);
  const m = g.outer * g.inner;
  const r = variance.map(({ hi }) => 1 / Math.sqrt(hi + EPS));
  const xhat = new Float64Array(x.length);
  const [wx, w1] = [new Float64Array(g.channels), new Float64Array(g.channels)];
  each(g, (i, c) => {
    xhat[i] = Math.abs(((x[i] as number) - (mean[c]?.hi ?? 0)) * (r[c] as number));
    const weight = Math.abs((w[i] as number) * (gamma[c] as number));
    wx[c] = (wx[c] as number) + weight * (xhat[i] as number);
    w1[c] = (w1[c] as number) + weight;
  });
  const off = new Float64Array(x.length);
  each(g, (i, c) => {
    const a = (xhat[i] as number) / m;
    const b = (m - 1) / m ** 2;
    const third = ((wx[c] as number) * (5 * a ** 3 + 3 * a * b)) / 2 + ((w1[c] as number) * (3 * a ** 2 + b)) / 2;
    off[i] = 2 * h ** 2 * (r[c] as number) ** 3 * third;
  });
  return off;
}

function ownCase(shape: readonly number[]): Case {
  const id = `gradients/own/batch/${shape.join("x")}/float64`;
  return scopedCase({ id, group: "gradients", clause: "BN-10", dtype: "float64" }, async (t) => {
    const { p } = t;
    const problem = problemFor(t, shape);
    const { g, x, w, gamma, beta } = problem;
    const layer = layerFor(t, problem, shape, false);
    const { bottom, top } = layer;
    const forward = async (values: ArrayLike<number>) => {
      bottom.write(values);
      layer.forward();
      return top.read();
    };
    const numeric = new Float64Array(x.length);
    for (let i = 0; i < x.length; i++) {
      const moved = (h: number) => x.map((value, j) => (j === i ? value + h : value));
      const [up, down] = [await forward(moved(STEP)), await forward(moved(-STEP))];
      const terms = Array.from(up, (y, j) => (w[j] as number) * (y - (down[j] as number)));
      numeric[i] = terms.reduce((sum, term) => sum + term, 0) / (2 * STEP);
    }
    await forward(x);
    layer.backward(w);

    const affine = { gamma: channelsOf(gamma), beta: channelsOf(beta) };
    const stats = batchStats(p, x, g);
    const { bound } = forwardTruth(p, { x, g, eps: EPS, affine }, stats);
    const { dx } = backwardTruth(p, { x, g, eps: EPS, affine }, w, stats);
    const off = truncation(problem, STEP);
    // x moves by 2^-17. The bounds at x also hold at x + h and x - h except for a factor near 1, which 2 covers.
    // The y of the other channels do not move, so their errors would cancel on a deterministic backend; E includes
    // them anyway.
    const noise = 2 * Array.from(w, (v, j) => Math.abs(v) * (bound[j] as number)).reduce((sum, term) => sum + term, 0);
    const allowed = off.map((t, i) => t + noise / STEP + (dx.bound[i] as number));
    return [check("bottom.diff", await bottom.readDiff(), { expected: numeric, bound: allowed }, g)];
  });
}

/**
 * Scale is linear in each operand, so differences are exact except for rounding, and the oracle's sums give the bound.
 */
function scaleCase(dtype: Dtype): Case {
  const id = `gradients/oracle/scale/4x3x5/${dtype}`;
  return scopedCase({ id, group: "gradients", clause: "S-6", dtype }, async (t) => {
    const { p } = t;
    const shape = [4, 3, 5];
    const { g, x, w, gamma, beta } = problemFor(t, shape);
    const layer = t.single(createScale({ biasTerm: true }), shape, x);
    layer.write(0, gamma, beta);
    layer.forward();
    layer.backward(w);
    const linearLoss = (values: ArrayLike<number>, factor: ArrayLike<number>, bias: ArrayLike<number>) => {
      let sum = ZERO;
      each(g, (i, c) => {
        const y = add(mul(dd(values[i] as number), dd(factor[c] as number)), dd(bias[c] as number));
        sum = add(sum, mul(dd(w[i] as number), y));
      });
      return sum;
    };
    const sums = scaleSums(w, x, g);
    const linear = { gamma: channelsOf(gamma), beta: null };
    const numeric = {
      dx: differences(x, TINY_STEP, (moved) => linearLoss(moved, gamma, beta)),
      dGamma: differences(gamma, TINY_STEP, (moved) => linearLoss(x, moved, beta)),
      dBeta: differences(beta, TINY_STEP, (moved) => linearLoss(x, gamma, moved)),
    };
    const bounds = {
      dx: truth(p, scale(w, g, linear), scaleBound(p, w, g, linear)),
      dGamma: truth(p, numeric.dGamma, sumBound(p, w, x, g, sums.gamma, null)),
      dBeta: truth(p, numeric.dBeta, sumBound(p, w, null, g, sums.beta, null)),
    };
    return compared(layer, 0, g, bounds, numeric);
  });
}

export function gradientCases(): Case[] {
  return [
    ...DTYPES.flatMap((dtype) => [
      ...SHAPES.flatMap((shape) => [oracleCase(shape, "batch", dtype), oracleCase(shape, "global", dtype)]),
      scaleCase(dtype),
    ]),
    ...SHAPES.map(ownCase),
  ];
}
