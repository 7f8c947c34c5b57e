import { gradientLine, gradientPlane, normalizeLine, scaleLine } from "../../truth/lines.ts";
import { compareLine, comparePlane } from "../../truth/maps.ts";
import { reciprocalRoots, wideOf } from "../../truth/wide.ts";
import { AFFINE, affineFor, type CoveredKernel, elements, givenStats } from "./calls.ts";

const normalize: CoveredKernel = {
  name: "normalize",
  clause: "K-2",
  options: AFFINE,
  mayAlias: true,
  over: "tensor",
  async run(call) {
    const { bench, p, g, data, option, inPlace, eps } = call;
    const values = data.x();
    const stats = givenStats(data);
    const affine = affineFor(call, option);
    const x = inPlace ? bench.inOut("x", values) : bench.input("x", values);
    const y = inPlace ? x : bench.output("y", elements(g));
    const given = {
      mean: bench.input("mean", stats.host.mean),
      variance: bench.input("variance", stats.host.variance),
    };
    bench.backend.kernels.normalize(x, g, given, eps, affine.buffers, y);
    const got = await bench.result(inPlace ? "x" : "y");
    return [compareLine("y", got, values, g, p.dtype, normalizeLine(p, stats, eps, affine.values))];
  },
};

const gradNormalize: CoveredKernel = {
  name: "gradNormalize",
  clause: "K-4",
  options: AFFINE.flatMap((mode) => [mode, `${mode} without sums`]),
  mayAlias: true,
  over: "tensor",
  async run(call) {
    const { bench, p, g, data, option, inPlace, eps, m } = call;
    const [mode = "", without] = option.split(" ");
    const stats = givenStats(data);
    const affine = affineFor(call, mode);
    const [dyValues, xValues] = [data.dy(), data.x()];
    const dy = inPlace ? bench.inOut("dy", dyValues) : bench.input("dy", dyValues);
    const dx = inPlace ? dy : bench.output("dx", elements(g));
    const x = bench.input("x", xValues);
    const host = without ? null : { dy: data.sumDy(), dyXhat: data.sumDyXhat() };
    const sums = host && { dy: bench.input("sums.dy", host.dy), dyXhat: bench.input("sums.dyXhat", host.dyXhat) };
    const given = {
      mean: bench.input("mean", stats.host.mean),
      variance: bench.input("variance", stats.host.variance),
    };
    bench.backend.kernels.gradNormalize(dy, x, g, given, eps, affine.buffers, sums, m, dx);
    const got = await bench.result(inPlace ? "dy" : "dx");
    const gamma = affine.values?.gamma ?? null;
    if (!host) return [compareLine("dx", got, dyValues, g, p.dtype, gradientLine(p, stats, eps, gamma))];
    const wide = { dy: wideOf(host.dy), dyXhat: wideOf(host.dyXhat), errors: null };
    const plane = gradientPlane(p, stats, eps, reciprocalRoots(stats.variance, eps, p.dtype), gamma, wide, m);
    return [comparePlane("dx", got, dyValues, xValues, g, p.dtype, plane)];
  },
};

const scale: CoveredKernel = {
  name: "scale",
  clause: "K-5",
  options: ["gamma", "gamma-beta"],
  mayAlias: true,
  over: "tensor",
  async run(call) {
    const { bench, p, g, data, option, inPlace } = call;
    const values = data.x();
    const { buffers, values: affine } = affineFor(call, option);
    if (!buffers || !affine) throw new Error(`scale has no option ${option}`);
    const x = inPlace ? bench.inOut("x", values) : bench.input("x", values);
    const y = inPlace ? x : bench.output("y", elements(g));
    bench.backend.kernels.scale(x, g, buffers, y);
    return [compareLine("y", await bench.result(inPlace ? "x" : "y"), values, g, p.dtype, scaleLine(p, affine))];
  },
};

export const MAP_KERNELS = [normalize, gradNormalize, scale];
