import { gradientLine, gradientPlane, normalizeLine, scaleLine } from "../../truth/lines.ts";
import { compareLine, comparePlane } from "../../truth/maps.ts";
import { reciprocalRoots, wideOf } from "../../truth/wide.ts";
import { AFFINE, affineFor, type CoveredKernel, givenStats, mapped } from "./calls.ts";

const normalize: CoveredKernel = {
  name: "normalize",
  clause: "K-2",
  options: AFFINE,
  mayAlias: true,
  async run(call) {
    const { bench, p, g, data, option, eps } = call;
    const x = data.x();
    const affine = affineFor(call, option);
    const { input, output, result } = mapped(call, "x", "y", x);
    const { stats, given } = givenStats(call);
    bench.backend.kernels.normalize(input, g, given, eps, affine.buffers, output);
    return [compareLine("y", await result(), x, g, p.dtype, normalizeLine(p, stats, eps, affine.values))];
  },
};

const gradNormalize: CoveredKernel = {
  name: "gradNormalize",
  clause: "K-4",
  options: AFFINE.flatMap((mode) => [mode, `${mode} without sums`]),
  mayAlias: true,
  async run(call) {
    const { bench, p, g, data, option, eps, m } = call;
    const [mode = "", without] = option.split(" ");
    const affine = affineFor(call, mode);
    const [dy, x] = [data.dy(), data.x()];
    const { input, output, result } = mapped(call, "dy", "dx", dy);
    const xBuffer = bench.input("x", x);
    const host = without ? null : { dy: data.sumDy(), dyXhat: data.sumDyXhat() };
    const sums = host && { dy: bench.input("sums.dy", host.dy), dyXhat: bench.input("sums.dyXhat", host.dyXhat) };
    const { stats, given } = givenStats(call);
    bench.backend.kernels.gradNormalize(input, xBuffer, g, given, eps, affine.buffers, sums, m, output);
    const got = await result();
    const gamma = affine.values?.gamma ?? null;
    if (!host) return [compareLine("dx", got, dy, g, p.dtype, gradientLine(p, stats, eps, gamma))];
    const wide = { dy: wideOf(host.dy), dyXhat: wideOf(host.dyXhat), errors: null };
    const plane = gradientPlane(p, stats, eps, reciprocalRoots(stats.variance, eps, p.dtype), gamma, wide, m);
    return [comparePlane("dx", got, dy, x, g, p.dtype, plane)];
  },
};

const scale: CoveredKernel = {
  name: "scale",
  clause: "K-5",
  options: ["gamma", "gamma-beta"],
  mayAlias: true,
  async run(call) {
    const { bench, p, g, data, option } = call;
    const x = data.x();
    const { buffers, values: affine } = affineFor(call, option);
    if (!buffers || !affine) throw new Error(`scale has no option ${option}`);
    const { input, output, result } = mapped(call, "x", "y", x);
    bench.backend.kernels.scale(input, g, buffers, output);
    return [compareLine("y", await result(), x, g, p.dtype, scaleLine(p, affine))];
  },
};

export const MAP_KERNELS = [normalize, gradNormalize, scale];
