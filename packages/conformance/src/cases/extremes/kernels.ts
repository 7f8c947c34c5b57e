import type { Geometry } from "@bn/core";
import type { Comparison, Needs } from "../../case.ts";
import { gradNormalizeBound, normalizeBound, splitMomentBounds, sumBound } from "../../truth/bounds.ts";
import * as oracle from "../../truth/oracle.ts";
import { scaleBy } from "../../truth/scale-by.ts";
import { check, perChannel } from "../../truth/truth.ts";
import type { Operands } from "../operands.ts";
import { ORDINARY_EPS as EPS, type Ordinary } from "./operands.ts";
import { eta, gradientUnderflow, mapUnderflow, type Setting, statErrors, statsOf, sumErrors } from "./underflow.ts";

export interface ExtremeKernel {
  readonly name: string;
  readonly needs?: Needs;
  readonly takes: readonly (keyof Ordinary)[];
  readonly run: (s: Setting) => Promise<Comparison[]>;
}

type Numbers = ArrayLike<number>;

/** Compares an output with the ordinary truth times 2^e. Its bound is raised by `underflow(i)`. */
async function compared(
  { o, p }: Setting,
  what: string,
  buffer: ReturnType<Operands["output"]>,
  e: number,
  values: Numbers,
  bounds: Numbers,
  underflow: (i: number) => number,
  g: Geometry,
): Promise<Comparison> {
  const got = await o.read(what, buffer);
  const expected = Float64Array.from(values, (value) => {
    const scaled = scaleBy(value, e);
    return p.dtype === "float32" && !Number.isFinite(Math.fround(scaled)) ? Math.fround(scaled) : scaled;
  });
  const bound = expected.map(
    (value, i) => scaleBy((bounds[i] as number) + underflow(i), e) + 2 ** -53 * Math.abs(value),
  );
  return check(what, got, { expected, bound }, g);
}

const given = (s: Setting, name: keyof Ordinary) => s.o.input(s.extreme[name] as Float64Array);
const affineOf = ({ ordinary }: Setting): oracle.GammaBeta => ({
  gamma: oracle.channelsOf(ordinary.gamma),
  beta: oracle.channelsOf(ordinary.beta),
});
const row = ({ g }: Setting) => perChannel(g.channels);

const none = () => 0;

async function moments(s: Setting): Promise<Comparison[]> {
  const out = { mean: s.o.output(s.g.channels), variance: s.o.output(s.g.channels) };
  s.o.backend.kernels.moments(given(s, "x"), s.g, out);
  return comparedStats(s, out);
}

function comparedStats(
  s: Setting,
  out: { mean: ReturnType<Operands["output"]>; variance: ReturnType<Operands["output"]> },
) {
  const stats = oracle.moments(s.ordinary.x, s.g);
  const errors = statErrors(s, stats);
  const [mean, variance] = [oracle.valuesOf(stats.mean), oracle.valuesOf(stats.variance)];
  return Promise.all([
    compared(s, "mean", out.mean, s.by.x, mean, errors.mean, none, row(s)),
    compared(s, "variance", out.variance, 2 * s.by.x, variance, errors.variance, none, row(s)),
  ]);
}

async function splitMoments(s: Setting): Promise<Comparison[]> {
  const { o, g, by, ordinary } = s;
  const out = { mean: o.output(g.channels), meanLow: o.output(g.channels), m2: o.output(g.channels) };
  o.backend.kernels.splitMoments?.(given(s, "x"), g, out);
  const stats = oracle.moments(ordinary.x, g);
  const bounds = splitMomentBounds(s.p, ordinary.x, g, stats);
  const [mean, low] = [await o.read("mean", out.mean), await o.read("meanLow", out.meanLow)];
  const off = stats.mean.map(
    ({ hi, lo }, c) => scaleBy(mean[c] as number, -by.x) - hi + (scaleBy(low[c] as number, -by.x) - lo),
  );
  const m = g.outer * g.inner;
  const m2 = oracle.valuesOf(stats.variance).map((v) => v * m);
  return [
    check(
      "mean + meanLow - truth, over the power of two",
      off,
      { expected: new Float64Array(g.channels), bound: bounds.mean.map((bound) => bound + 4 * eta(s, by.x)) },
      row(s),
    ),
    await compared(s, "m2", out.m2, 2 * by.x, m2, bounds.m2, () => (m + 3) * eta(s, 2 * by.x), row(s)),
  ];
}

async function normalize(s: Setting): Promise<Comparison[]> {
  const { o, g, by, ordinary, extreme } = s;
  const [stats, affine] = [statsOf(s), affineOf(s)];
  const values = oracle.normalize(ordinary.x, g, stats, EPS, affine);
  const bounds = normalizeBound(s.p, ordinary.x, g, stats, EPS, affine, null);
  const [x, y] = [given(s, "x"), o.output(ordinary.x.length)];
  const statBuffers = { mean: given(s, "mean"), variance: given(s, "variance") };
  const affineBuffers = { gamma: given(s, "gamma"), beta: given(s, "beta") };
  const done: Comparison[] = [];
  for (const [what, to] of [
    ["y", y],
    ["y in place", x],
  ] as const) {
    o.backend.kernels.normalize(x, g, statBuffers, extreme.eps, affineBuffers, to);
    done.push(await compared(s, what, to, by.gamma + by.xhat, values, bounds, mapUnderflow(s, stats), g));
  }
  return done;
}

async function forward(s: Setting): Promise<Comparison[]> {
  const { o, g, by, ordinary, extreme } = s;
  const stats = oracle.moments(ordinary.x, g);
  const [affine, errors] = [affineOf(s), statErrors(s, stats)];
  const values = oracle.normalize(ordinary.x, g, stats, EPS, affine);
  const bounds = normalizeBound(s.p, ordinary.x, g, stats, EPS, affine, errors);
  const [y, out] = [o.output(ordinary.x.length), { mean: o.output(g.channels), variance: o.output(g.channels) }];
  const affineBuffers = { gamma: given(s, "gamma"), beta: given(s, "beta") };
  o.backend.kernels.forward?.(given(s, "x"), g, out, null, extreme.eps, affineBuffers, y);
  return [
    ...(await comparedStats(s, out)),
    await compared(s, "y", y, by.gamma, values, bounds, mapUnderflow(s, stats), g),
  ];
}

async function gradSums(s: Setting): Promise<Comparison[]> {
  const out = { dy: s.o.output(s.g.channels), dyXhat: s.o.output(s.g.channels) };
  const stats = { mean: given(s, "mean"), variance: given(s, "variance") };
  s.o.backend.kernels.gradSums(given(s, "dy"), given(s, "x"), s.g, stats, s.extreme.eps, out, null);
  return comparedSums(s, out);
}

function comparedSums(s: Setting, out: { dy: ReturnType<Operands["output"]>; dyXhat: ReturnType<Operands["output"]> }) {
  const { by, g, ordinary } = s;
  const sums = oracle.gradSums(ordinary.dy, ordinary.x, g, statsOf(s), EPS);
  const errors = sumErrors(s, sums);
  const [dy, dyXhat] = [oracle.valuesOf(sums.dy), oracle.valuesOf(sums.dyXhat)];
  return Promise.all([
    compared(s, "sums.dy", out.dy, by.dy, dy, errors.dy, none, row(s)),
    compared(s, "sums.dyXhat", out.dyXhat, by.dy + by.xhat, dyXhat, errors.dyXhat, none, row(s)),
  ]);
}

/** The given sums are over more values than this tensor has. */
async function gradNormalize(s: Setting): Promise<Comparison[]> {
  const { o, g, by, ordinary, extreme } = s;
  const stats = statsOf(s);
  const gamma = oracle.channelsOf(ordinary.gamma);
  const m = 3 * g.outer * g.inner;
  const sums = { dy: oracle.channelsOf(ordinary.sumDy), dyXhat: oracle.channelsOf(ordinary.sumDyXhat) };
  const values = oracle.gradNormalize(ordinary.dy, ordinary.x, g, stats, EPS, gamma, sums, m);
  const bounds = gradNormalizeBound(s.p, ordinary.dy, ordinary.x, g, stats, EPS, gamma, sums, null, null, m);
  const dx = o.output(ordinary.x.length);
  const statBuffers = { mean: given(s, "mean"), variance: given(s, "variance") };
  const sumBuffers = { dy: given(s, "sumDy"), dyXhat: given(s, "sumDyXhat") };
  const affine = { gamma: given(s, "gamma"), beta: null };
  o.backend.kernels.gradNormalize(
    given(s, "dy"),
    given(s, "x"),
    g,
    statBuffers,
    extreme.eps,
    affine,
    sumBuffers,
    m,
    dx,
  );
  const e = by.gamma - (by.x - by.xhat) + by.dy;
  return [await compared(s, "dx", dx, e, values, bounds, gradientUnderflow(s, sums, m), g)];
}

async function backward(s: Setting): Promise<Comparison[]> {
  const { o, g, by, ordinary, extreme } = s;
  const stats = statsOf(s);
  const gamma = oracle.channelsOf(ordinary.gamma);
  const sums = oracle.gradSums(ordinary.dy, ordinary.x, g, stats, EPS);
  const values = oracle.gradNormalize(ordinary.dy, ordinary.x, g, stats, EPS, gamma, sums);
  const bounds = gradNormalizeBound(s.p, ordinary.dy, ordinary.x, g, stats, EPS, gamma, sums, null, sumErrors(s, sums));
  const [dx, out] = [o.output(ordinary.x.length), { dy: o.output(g.channels), dyXhat: o.output(g.channels) }];
  const statBuffers = { mean: given(s, "mean"), variance: given(s, "variance") };
  const affine = { gamma: given(s, "gamma"), beta: null };
  const m = g.outer * g.inner;
  o.backend.kernels.backward?.(given(s, "dy"), given(s, "x"), g, statBuffers, extreme.eps, affine, out, null, m, dx);
  return [
    ...(await comparedSums(s, out)),
    await compared(s, "dx", dx, by.gamma - by.x + by.dy, values, bounds, gradientUnderflow(s, sums, m), g),
  ];
}

async function scaleSums(s: Setting): Promise<Comparison[]> {
  const { o, g, by, ordinary } = s;
  const sums = oracle.scaleSums(ordinary.dy, ordinary.x, g);
  const [dGamma, dBeta] = [
    o.output(g.channels, new Float64Array(g.channels)),
    o.output(g.channels, new Float64Array(g.channels)),
  ];
  o.backend.kernels.scaleSums(given(s, "dy"), given(s, "x"), g, dGamma, dBeta);
  const m = g.outer * g.inner;
  const bounds = (channels: oracle.Channels, x: Numbers | null) => sumBound(s.p, ordinary.dy, x, g, channels, null);
  const e = by.dy + by.x;
  return [
    await compared(
      s,
      "dGamma",
      dGamma,
      e,
      oracle.valuesOf(sums.gamma),
      bounds(sums.gamma, ordinary.x),
      () => m * eta(s, e),
      row(s),
    ),
    await compared(
      s,
      "dBeta",
      dBeta,
      by.dy,
      oracle.valuesOf(sums.beta),
      bounds(sums.beta, null),
      () => m * eta(s, by.dy),
      row(s),
    ),
  ];
}

const STATS = ["mean", "variance"] as const;
const FUSED: Needs = { fused: true };

export const EXTREME_KERNELS: readonly ExtremeKernel[] = [
  { name: "moments", takes: ["x"], run: moments },
  { name: "splitMoments", needs: { splitMoments: true }, takes: ["x"], run: splitMoments },
  { name: "normalize", takes: ["x", ...STATS, "gamma", "beta"], run: normalize },
  { name: "gradSums", takes: ["x", "dy", ...STATS], run: gradSums },
  { name: "gradNormalize", takes: ["x", "dy", ...STATS, "gamma", "sumDy", "sumDyXhat"], run: gradNormalize },
  { name: "scaleSums", takes: ["x", "dy"], run: scaleSums },
  // The truth of these kernels is the ordinary truth times a power of two only if x^ is ordinary.
  { name: "forward", needs: FUSED, takes: ["x", ...STATS, "gamma", "beta"], run: forward },
  { name: "backward", needs: FUSED, takes: ["x", "dy", ...STATS, "gamma"], run: backward },
];
