import { type CoveredKernel, compareAdded, givenStats } from "./calls.ts";
import { gradSumOutputs, gradSumsOf, momentOutputs, momentsOf, scaleSumOf } from "./sums.ts";

const moments: CoveredKernel = {
  name: "moments",
  clause: "K-1",
  options: [""],
  async run(call) {
    const { bench, p, g, data } = call;
    const x = data.x();
    const { out, compared } = momentOutputs(call);
    bench.backend.kernels.moments(bench.input("x", x), g, out);
    return compared(momentsOf(p, x, g));
  },
};

const gradSums: CoveredKernel = {
  name: "gradSums",
  clause: "K-3",
  options: ["no grad", "grad.gamma", "grad"],
  async run(call) {
    const { bench, p, g, data, option, eps } = call;
    const [dy, x] = [data.dy(), data.x()];
    const { stats, given } = givenStats(call);
    const { sums, grad, compared } = gradSumOutputs(call, option);
    bench.backend.kernels.gradSums(bench.input("dy", dy), bench.input("x", x), g, given, eps, sums, grad);
    return compared(gradSumsOf(p, dy, x, g, stats, eps));
  },
};

const scaleSums: CoveredKernel = {
  name: "scaleSums",
  clause: "K-6",
  options: ["both", "dGamma", "dBeta"],
  async run({ bench, p, g, data, option }) {
    const [dy, x] = [data.dy(), data.x()];
    const rows = [
      { name: "dGamma", prior: data.prior(0), of: x, absent: option === "dBeta" },
      { name: "dBeta", prior: data.prior(1), of: null, absent: option === "dGamma" },
    ];
    const [dGamma = null, dBeta = null] = rows.map(({ name, prior, absent }) =>
      absent ? null : bench.inOut(name, prior),
    );
    bench.backend.kernels.scaleSums(bench.input("dy", dy), bench.input("x", x), g, dGamma, dBeta);
    const done = [];
    for (const { name, prior, of, absent } of rows) {
      if (!absent) done.push(compareAdded(p, name, await bench.result(name), prior, scaleSumOf(p, dy, of, g)));
    }
    return done;
  },
};

export const REDUCTION_KERNELS = [moments, gradSums, scaleSums];
