import type { Comparison } from "../../case.ts";
import { addBound, gradSumBounds, momentBounds, splitMomentBounds, sumBound } from "../../truth/bounds.ts";
import * as oracle from "../../truth/oracle.ts";
import { check, perChannel, type Truth, truth, truthOf } from "../../truth/truth.ts";
import { FAR, normals, sample } from "../data.ts";
import { EPS, type Kernel, modesOf, type Run, statBuffers, statsOf } from "./inputs.ts";

const moments: Run = async (o, g, { x }, p) => {
  const out = { mean: o.output(g.channels), variance: o.output(g.channels) };
  o.backend.kernels.moments(o.input(x), g, out);
  const stats = oracle.moments(x, g);
  const bounds = momentBounds(p, x, g, stats);
  const row = perChannel(g.channels);
  return [
    check("mean", await o.read("mean", out.mean), truthOf(p, stats.mean, bounds.mean), row),
    check("variance", await o.read("variance", out.variance), truthOf(p, stats.variance, bounds.variance), row),
  ];
};

/** The mean in two parts, each compared with both parts of the truth, and m2. */
const splitMoments: Run = async (o, g, _, p, seed) => {
  const x = sample(`${seed}|x`, FAR, g, p.dtype);
  const out = { mean: o.output(g.channels), meanLow: o.output(g.channels), m2: o.output(g.channels) };
  o.backend.kernels.splitMoments?.(o.input(x), g, out);
  const stats = oracle.moments(x, g);
  const bounds = splitMomentBounds(p, x, g, stats);
  const row = perChannel(g.channels);
  const [mean, low] = [await o.read("mean", out.mean), await o.read("meanLow", out.meanLow)];
  const off = stats.mean.map(({ hi, lo }, c) => (mean[c] as number) - hi + ((low[c] as number) - lo));
  const m2 = oracle.valuesOf(stats.variance).map((v) => v * g.outer * g.inner);
  return [
    check("mean + meanLow - truth", off, { expected: new Float64Array(g.channels), bound: bounds.mean }, row),
    check("m2", await o.read("m2", out.m2), truth(p, m2, bounds.m2), row),
  ];
};

/** Runs without grad, with grad.gamma alone, and with both. Sums are overwritten, and grad is added into. */
const gradSums: Run = async (o, g, inputs, p, seed) => {
  const { dy, x } = inputs;
  const { channels } = g;
  const stats = statsOf(inputs);
  const sums = oracle.gradSums(dy, x, g, stats, EPS);
  const bounds = gradSumBounds(p, dy, x, g, stats, EPS, sums, null);
  const row = perChannel(channels);
  const done: Comparison[] = [];
  for (const mode of modesOf(g)) {
    const prior = { gamma: normals(`${seed}|g`, channels, p.dtype), beta: normals(`${seed}|b`, channels, p.dtype) };
    const out = { dy: o.output(channels), dyXhat: o.output(channels) };
    const gamma = o.output(channels, prior.gamma);
    const beta = o.output(channels, prior.beta);
    const grad = mode === "plain" ? null : { gamma, beta: mode === "gamma-beta" ? beta : null };
    o.backend.kernels.gradSums(o.input(dy), o.input(x), g, statBuffers(o, inputs), EPS, out, grad);
    const read = async (what: string, buffer: typeof gamma, expected: Truth) =>
      done.push(check(`${what} ${mode}`, await o.read(what, buffer), expected, row));
    await read("sums.dy", out.dy, truthOf(p, sums.dy, bounds.dy));
    await read("sums.dyXhat", out.dyXhat, truthOf(p, sums.dyXhat, bounds.dyXhat));
    const added = (channel: oracle.Channels, before: ArrayLike<number>, error: Float64Array, counts: boolean) => {
      const total = channel.map((sum, c) => (counts ? sum.hi : 0) + (before[c] as number));
      const bound = channel.map((s, c) => (counts ? (error[c] as number) + addBound(p, s.hi, before[c] as number) : 0));
      return truth(p, total, bound);
    };
    await read("grad.gamma", gamma, added(sums.dyXhat, prior.gamma, bounds.dyXhat, grad !== null));
    await read("grad.beta", beta, added(sums.dy, prior.beta, bounds.dy, grad?.beta != null));
  }
  return done;
};

const scaleSums: Run = async (o, g, { dy, x }, p, seed) => {
  const sums = oracle.scaleSums(dy, x, g);
  const row = perChannel(g.channels);
  const prior = normals(`${seed}|prior`, g.channels, p.dtype);
  const before = oracle.channelsOf(prior);
  const expected = (sum: oracle.Channels, source: ArrayLike<number> | null) =>
    truth(
      p,
      sum.map(({ hi }, c) => hi + (before[c]?.hi ?? 0)),
      sumBound(p, dy, source, g, sum, prior),
    );
  const done: Comparison[] = [];
  for (const [gammaToo, betaToo] of [
    [true, true],
    [true, false],
    [false, true],
  ] as const) {
    const dGamma = gammaToo ? o.output(g.channels, prior) : null;
    const dBeta = betaToo ? o.output(g.channels, prior) : null;
    o.backend.kernels.scaleSums(o.input(dy), o.input(x), g, dGamma, dBeta);
    const alone = gammaToo && betaToo ? "" : " alone";
    if (dGamma) done.push(check(`dGamma${alone}`, await o.read("dGamma", dGamma), expected(sums.gamma, x), row));
    if (dBeta) done.push(check(`dBeta${alone}`, await o.read("dBeta", dBeta), expected(sums.beta, null), row));
  }
  return done;
};

export const REDUCTIONS: readonly Kernel[] = [
  { name: "moments", clause: "K-1", run: moments },
  { name: "splitMoments", clause: "K-12", needs: { splitMoments: true }, run: splitMoments },
  { name: "gradSums", clause: "K-3", run: gradSums },
  { name: "scaleSums", clause: "K-6", run: scaleSums },
];
