import { sumFactor } from "../../truth/bounds.ts";
import { gradSumErrors, momentErrors } from "../../truth/lines.ts";
import { compareChannels } from "../../truth/maps.ts";
import { wideMoments, wideProductSum, wideSum, wideSums } from "../../truth/reductions.ts";
import { reciprocalRoots, type Wide, wideOf } from "../../truth/wide.ts";
import { addedTo, type CoveredKernel, givenStats } from "./calls.ts";

const moments: CoveredKernel = {
  name: "moments",
  clause: "K-1",
  options: [""],
  mayAlias: false,
  over: "tensor",
  async run({ bench, p, g, data }) {
    const values = data.x();
    const out = { mean: bench.output("mean", g.channels), variance: bench.output("variance", g.channels) };
    bench.backend.kernels.moments(bench.input("x", values), g, out);
    const truth = wideMoments(values, g, p.dtype);
    const errors = momentErrors(p, truth, g.outer * g.inner);
    return [
      compareChannels("mean", await bench.result("mean"), truth.mean, errors.mean, p.dtype),
      compareChannels("variance", await bench.result("variance"), truth.variance, errors.variance, p.dtype),
    ];
  },
};

/** Sums are overwritten, and grad is added into. The kernel does not get absent operands, so it cannot change them. */
const gradSums: CoveredKernel = {
  name: "gradSums",
  clause: "K-3",
  options: ["no grad", "grad.gamma", "grad"],
  mayAlias: false,
  over: "tensor",
  async run({ bench, p, g, data, option, eps }) {
    const { channels } = g;
    const [dy, x] = [data.dy(), data.x()];
    const stats = givenStats(data);
    const prior = { gamma: data.prior(0), beta: data.prior(1) };
    const gamma = option === "no grad" ? null : bench.inOut("grad.gamma", prior.gamma);
    const beta = option === "grad" ? bench.inOut("grad.beta", prior.beta) : null;
    const out = { dy: bench.output("sums.dy", channels), dyXhat: bench.output("sums.dyXhat", channels) };
    const given = {
      mean: bench.input("mean", stats.host.mean),
      variance: bench.input("variance", stats.host.variance),
    };
    const grad = gamma && { gamma, beta };
    bench.backend.kernels.gradSums(bench.input("dy", dy), bench.input("x", x), g, given, eps, out, grad);
    const r = reciprocalRoots(stats.variance, eps, p.dtype);
    const { dy: sumDy, dyXhat: sumDyXhat } = wideSums(dy, x, g, stats.mean, r, p.dtype);
    const errors = gradSumErrors(p, sumDy, sumDyXhat, r, g.outer * g.inner, stats, eps);
    const done = [
      compareChannels("sums.dy", await bench.result("sums.dy"), sumDy.sum, errors.dy, p.dtype),
      compareChannels("sums.dyXhat", await bench.result("sums.dyXhat"), sumDyXhat.sum, errors.dyXhat, p.dtype),
    ];
    if (gamma) done.push(await addedTo(bench, p, "grad.gamma", prior.gamma, sumDyXhat.sum, errors.dyXhat));
    if (beta) done.push(await addedTo(bench, p, "grad.beta", prior.beta, sumDy.sum, errors.dy));
    return done;
  },
};

const scaleSums: CoveredKernel = {
  name: "scaleSums",
  clause: "K-6",
  options: ["both", "dGamma", "dBeta"],
  mayAlias: false,
  over: "tensor",
  async run({ bench, p, g, data, option }) {
    const [dy, x] = [data.dy(), data.x()];
    const prior = { gamma: data.prior(0), beta: data.prior(1) };
    const dGamma = option === "dBeta" ? null : bench.inOut("dGamma", prior.gamma);
    const dBeta = option === "dGamma" ? null : bench.inOut("dBeta", prior.beta);
    bench.backend.kernels.scaleSums(bench.input("dy", dy), bench.input("x", x), g, dGamma, dBeta);
    const m = g.outer * g.inner;
    const error = (size: Float64Array) => size.map((sum) => sumFactor(p, m) * sum + m * p.eta);
    const done = [];
    if (dGamma) {
      const none: Wide = wideOf(new Float64Array(g.channels));
      const { sum, size } = wideProductSum(dy, x, g, none, wideOf(new Float64Array(g.channels).fill(1)), p.dtype);
      done.push(await addedTo(bench, p, "dGamma", prior.gamma, sum, error(size)));
    }
    if (dBeta) {
      const { sum, size } = wideSum(dy, g, p.dtype);
      done.push(await addedTo(bench, p, "dBeta", prior.beta, sum, error(size)));
    }
    return done;
  },
};

export const REDUCTION_KERNELS = [moments, gradSums, scaleSums];
