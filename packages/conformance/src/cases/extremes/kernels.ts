import type { Comparison, Needs } from "../../case.ts";
import { gradNormalizeBound, normalizeBound, type SumErrors, splitMomentBounds, sumBound } from "../../truth/bounds.ts";
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
type Buffer = ReturnType<Operands["output"]>;

/** Compares an output with the ordinary truth times 2^e. Its bound is raised by `underflow(i)`. */
async function compared(
  { o, p, g }: Setting,
  what: string,
  buffer: Buffer,
  e: number,
  values: Numbers,
  bounds: Numbers,
  underflow: (i: number) => number,
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

/** The same for an output with one value per channel. */
function comparedRow(
  s: Setting,
  what: string,
  buffer: Buffer,
  e: number,
  channels: oracle.Channels,
  bounds: Numbers,
  underflow = 0,
): Promise<Comparison> {
  const row = { ...s, g: perChannel(s.g.channels) };
  return compared(row, what, buffer, e, oracle.valuesOf(channels), bounds, () => underflow);
}

const given = (s: Setting, name: keyof Ordinary) => s.o.input(s.extreme[name] as Float64Array);
const givenStats = (s: Setting) => ({ mean: given(s, "mean"), variance: given(s, "variance") });
const givenAffine = (s: Setting) => ({ gamma: given(s, "gamma"), beta: given(s, "beta") });
const statsOutput = ({ o, g }: Setting) => ({ mean: o.output(g.channels), variance: o.output(g.channels) });
const sumsOutput = ({ o, g }: Setting) => ({ dy: o.output(g.channels), dyXhat: o.output(g.channels) });
const affineOf = ({ ordinary }: Setting): oracle.GammaBeta => ({
  gamma: oracle.channelsOf(ordinary.gamma),
  beta: oracle.channelsOf(ordinary.beta),
});

async function moments(s: Setting): Promise<Comparison[]> {
  const out = statsOutput(s);
  s.o.backend.kernels.moments(given(s, "x"), s.g, out);
  return comparedStats(s, out);
}

function comparedStats(s: Setting, out: ReturnType<typeof statsOutput>) {
  const { mean, variance } = oracle.moments(s.ordinary.x, s.g);
  const errors = statErrors(s, { mean, variance });
  return Promise.all([
    comparedRow(s, "mean", out.mean, s.by.x, mean, errors.mean),
    comparedRow(s, "variance", out.variance, 2 * s.by.x, variance, errors.variance),
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
  const m2 = oracle.channelsOf(oracle.valuesOf(stats.variance).map((v) => v * m));
  const bound = bounds.mean.map((most) => most + 4 * eta(s, by.x));
  const none = { expected: new Float64Array(g.channels), bound };
  return [
    check("mean + meanLow - truth, over the power of two", off, none, perChannel(g.channels)),
    await comparedRow(s, "m2", out.m2, 2 * by.x, m2, bounds.m2, (m + 3) * eta(s, 2 * by.x)),
  ];
}

async function normalize(s: Setting): Promise<Comparison[]> {
  const { o, g, by, ordinary, extreme } = s;
  const [stats, affine] = [statsOf(s), affineOf(s)];
  const values = oracle.normalize(ordinary.x, g, stats, EPS, affine);
  const bounds = normalizeBound(s.p, ordinary.x, g, stats, EPS, affine, null);
  const [x, y] = [given(s, "x"), o.output(ordinary.x.length)];
  const [statBuffers, affineBuffers] = [givenStats(s), givenAffine(s)];
  const done: Comparison[] = [];
  for (const [what, to] of [
    ["y", y],
    ["y in place", x],
  ] as const) {
    o.backend.kernels.normalize(x, g, statBuffers, extreme.eps, affineBuffers, to);
    done.push(await compared(s, what, to, by.gamma + by.xhat, values, bounds, mapUnderflow(s, stats)));
  }
  return done;
}

async function forward(s: Setting): Promise<Comparison[]> {
  const { o, g, by, ordinary, extreme } = s;
  const stats = oracle.moments(ordinary.x, g);
  const [affine, errors] = [affineOf(s), statErrors(s, stats)];
  const values = oracle.normalize(ordinary.x, g, stats, EPS, affine);
  const bounds = normalizeBound(s.p, ordinary.x, g, stats, EPS, affine, errors);
  const [y, out] = [o.output(ordinary.x.length), statsOutput(s)];
  o.backend.kernels.forward?.(given(s, "x"), g, out, null, extreme.eps, givenAffine(s), y);
  return [
    ...(await comparedStats(s, out)),
    await compared(s, "y", y, by.gamma, values, bounds, mapUnderflow(s, stats)),
  ];
}

async function gradSums(s: Setting): Promise<Comparison[]> {
  const out = sumsOutput(s);
  s.o.backend.kernels.gradSums(given(s, "dy"), given(s, "x"), s.g, givenStats(s), s.extreme.eps, out, null);
  return comparedSums(s, out);
}

function comparedSums(s: Setting, out: ReturnType<typeof sumsOutput>) {
  const { by, g, ordinary } = s;
  const sums = oracle.gradSums(ordinary.dy, ordinary.x, g, statsOf(s), EPS);
  const errors = sumErrors(s, sums);
  return Promise.all([
    comparedRow(s, "sums.dy", out.dy, by.dy, sums.dy, errors.dy),
    comparedRow(s, "sums.dyXhat", out.dyXhat, by.dy + by.xhat, sums.dyXhat, errors.dyXhat),
  ]);
}

/** The given sums are over more values than this tensor has. */
async function gradNormalize(s: Setting): Promise<Comparison[]> {
  const { o, g, ordinary, extreme } = s;
  const m = 3 * g.outer * g.inner;
  const sums = { dy: oracle.channelsOf(ordinary.sumDy), dyXhat: oracle.channelsOf(ordinary.sumDyXhat) };
  const dx = o.output(ordinary.x.length);
  const sumBuffers = { dy: given(s, "sumDy"), dyXhat: given(s, "sumDyXhat") };
  const affine = { gamma: given(s, "gamma"), beta: null };
  const [dy, x, stats] = [given(s, "dy"), given(s, "x"), givenStats(s)];
  o.backend.kernels.gradNormalize(dy, x, g, stats, extreme.eps, affine, sumBuffers, m, dx);
  return [await comparedGradient(s, dx, sums, null, m)];
}

function comparedGradient(s: Setting, dx: Buffer, sums: oracle.GradSums, errors: SumErrors | null, m: number) {
  const { p, g, by, ordinary } = s;
  const [stats, gamma] = [statsOf(s), oracle.channelsOf(ordinary.gamma)];
  const values = oracle.gradNormalize(ordinary.dy, ordinary.x, g, stats, EPS, gamma, sums, m);
  const bounds = gradNormalizeBound(p, ordinary.dy, ordinary.x, g, stats, EPS, gamma, sums, null, errors, m);
  const e = by.gamma - (by.x - by.xhat) + by.dy;
  return compared(s, "dx", dx, e, values, bounds, gradientUnderflow(s, sums, m));
}

async function backward(s: Setting): Promise<Comparison[]> {
  const { o, g, ordinary, extreme } = s;
  const sums = oracle.gradSums(ordinary.dy, ordinary.x, g, statsOf(s), EPS);
  const [dx, out] = [o.output(ordinary.x.length), sumsOutput(s)];
  const affine = { gamma: given(s, "gamma"), beta: null };
  const m = g.outer * g.inner;
  const [dy, x, stats] = [given(s, "dy"), given(s, "x"), givenStats(s)];
  o.backend.kernels.backward?.(dy, x, g, stats, extreme.eps, affine, out, null, m, dx);
  return [...(await comparedSums(s, out)), await comparedGradient(s, dx, sums, sumErrors(s, sums), m)];
}

async function scaleSums(s: Setting): Promise<Comparison[]> {
  const { o, g, by, ordinary } = s;
  const { dy, x } = ordinary;
  const sums = oracle.scaleSums(dy, x, g);
  const zeros = new Float64Array(g.channels);
  const [dGamma, dBeta] = [o.output(g.channels, zeros), o.output(g.channels, zeros)];
  o.backend.kernels.scaleSums(given(s, "dy"), given(s, "x"), g, dGamma, dBeta);
  const m = g.outer * g.inner;
  const e = by.dy + by.x;
  const bounds = {
    gamma: sumBound(s.p, dy, x, g, sums.gamma, null),
    beta: sumBound(s.p, dy, null, g, sums.beta, null),
  };
  return [
    await comparedRow(s, "dGamma", dGamma, e, sums.gamma, bounds.gamma, m * eta(s, e)),
    await comparedRow(s, "dBeta", dBeta, by.dy, sums.beta, bounds.beta, m * eta(s, by.dy)),
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
