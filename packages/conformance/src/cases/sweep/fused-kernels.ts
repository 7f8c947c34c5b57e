import { gradientPlane, gradSumErrors, momentErrors, normalizeLine } from "../../truth/lines.ts";
import { compareChannels, compareLine, comparePlane } from "../../truth/maps.ts";
import { wideMoments, wideSums } from "../../truth/reductions.ts";
import { reciprocalRoots } from "../../truth/wide.ts";
import { AFFINE, addedTo, affineFor, type CoveredKernel, elements, givenStats } from "./calls.ts";
import { compareRunning, runningFor } from "./channel-kernels.ts";

const FRACTION = Math.fround(0.9);

/** Statistics, running statistics and y must be those of moments, movingAverage and normalize. */
const forward: CoveredKernel = {
  name: "forward",
  clause: "K-10",
  needs: { fused: true },
  options: AFFINE.flatMap((mode) => [mode, `${mode} with average`]),
  without: (_, eps) => (eps === 0 ? ["constant", "zeros", "edge"] : []), // without variance the result is 0 / 0
  mayAlias: true,
  over: "tensor",
  async run(call) {
    const { bench, p, g, data, option, inPlace } = call;
    // with few values, all may be equal
    const eps = call.eps === 0 && g.outer * g.inner < 16 ? Math.fround(1e-5) : call.eps;
    const [mode = "", averaged] = option.split(" ");
    const values = data.x();
    const affine = affineFor(call, mode);
    const x = inPlace ? bench.inOut("x", values) : bench.input("x", values);
    const y = inPlace ? x : bench.output("y", elements(g));
    const out = { mean: bench.output("mean", g.channels), variance: bench.output("variance", g.channels) };
    const { before, running } = averaged ? runningFor(bench, data) : { before: null, running: null };
    const m = g.outer * g.inner;
    const correction = m > 1 ? m / (m - 1) : 1;
    const average = running && { running, fraction: FRACTION, correction };
    bench.backend.kernels.forward?.(x, g, out, average, eps, affine.buffers, y);
    const truth = wideMoments(values, g, p.dtype);
    const errors = momentErrors(p, truth, m);
    const stats = { mean: truth.mean, variance: truth.variance, errors };
    const line = normalizeLine(p, stats, eps, affine.values);
    return [
      compareLine("y", await bench.result(inPlace ? "x" : "y"), values, g, p.dtype, line),
      compareChannels("mean", await bench.result("mean"), truth.mean, errors.mean, p.dtype),
      compareChannels("variance", await bench.result("variance"), truth.variance, errors.variance, p.dtype),
      ...(before ? await compareRunning(bench, p, before, stats, FRACTION, correction) : []),
    ];
  },
};

/** Sums, grad and dx must be those of gradSums and gradNormalize. */
const backward: CoveredKernel = {
  name: "backward",
  clause: "K-10",
  needs: { fused: true },
  options: AFFINE.flatMap((mode) => [mode, `${mode} grad.gamma`, `${mode} grad`]),
  mayAlias: true,
  over: "tensor",
  async run(call) {
    const { bench, p, g, data, option, inPlace, eps, m } = call;
    const { channels } = g;
    const [mode = "", grads] = option.split(" ");
    const [dyValues, xValues] = [data.dy(), data.x()];
    const stats = givenStats(data);
    const affine = affineFor(call, mode);
    const prior = { gamma: data.prior(0), beta: data.prior(1) };
    const gamma = grads ? bench.inOut("grad.gamma", prior.gamma) : null;
    const beta = grads === "grad" ? bench.inOut("grad.beta", prior.beta) : null;
    const out = { dy: bench.output("sums.dy", channels), dyXhat: bench.output("sums.dyXhat", channels) };
    const dy = inPlace ? bench.inOut("dy", dyValues) : bench.input("dy", dyValues);
    const dx = inPlace ? dy : bench.output("dx", elements(g));
    const x = bench.input("x", xValues);
    const given = {
      mean: bench.input("mean", stats.host.mean),
      variance: bench.input("variance", stats.host.variance),
    };
    bench.backend.kernels.backward?.(dy, x, g, given, eps, affine.buffers, out, gamma && { gamma, beta }, m, dx);
    const r = reciprocalRoots(stats.variance, eps, p.dtype);
    const { dy: sumDy, dyXhat: sumDyXhat } = wideSums(dyValues, xValues, g, stats.mean, r, p.dtype);
    const errors = gradSumErrors(p, sumDy, sumDyXhat, r, g.outer * g.inner, stats, eps);
    const sums = { dy: sumDy.sum, dyXhat: sumDyXhat.sum, errors };
    const plane = gradientPlane(p, stats, eps, r, affine.values?.gamma ?? null, sums, m);
    const done = [
      comparePlane("dx", await bench.result(inPlace ? "dy" : "dx"), dyValues, xValues, g, p.dtype, plane),
      compareChannels("sums.dy", await bench.result("sums.dy"), sumDy.sum, errors.dy, p.dtype),
      compareChannels("sums.dyXhat", await bench.result("sums.dyXhat"), sumDyXhat.sum, errors.dyXhat, p.dtype),
    ];
    if (gamma) done.push(await addedTo(bench, p, "grad.gamma", prior.gamma, sumDyXhat.sum, errors.dyXhat));
    if (beta) done.push(await addedTo(bench, p, "grad.beta", prior.beta, sumDy.sum, errors.dy));
    return done;
  },
};

export const FUSED_KERNELS = [forward, backward];
