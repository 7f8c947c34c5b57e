import { gradientPlane, normalizeLine } from "../../truth/lines.ts";
import { compareLine, comparePlane } from "../../truth/maps.ts";
import { AFFINE, affineFor, type CoveredKernel, givenStats, mapped } from "./calls.ts";
import { runningFor } from "./channel-kernels.ts";
import { gradSumOutputs, gradSumsOf, momentOutputs, momentsOf } from "./sums.ts";

const FRACTION = Math.fround(0.9);

/** Statistics, running statistics and y must be those of moments, movingAverage and normalize. */
const forward: CoveredKernel = {
  name: "forward",
  clause: "K-10",
  needs: { fused: true },
  options: AFFINE.flatMap((mode) => [mode, `${mode} with average`]),
  without: (_, eps) => (eps === 0 ? ["constant", "zeros", "edge"] : []), // without variance the result is 0 / 0
  mayAlias: true,
  async run(call) {
    const { bench, p, g, data, option } = call;
    const m = g.outer * g.inner;
    const eps = call.eps === 0 && m < 16 ? Math.fround(1e-5) : call.eps; // with few values, all may be equal
    const [mode = "", averaged] = option.split(" ");
    const x = data.x();
    const affine = affineFor(call, mode);
    const { input, output, result } = mapped(call, "x", "y", x);
    const { out, compared } = momentOutputs(call);
    const running = averaged ? runningFor(call) : null;
    const correction = m > 1 ? m / (m - 1) : 1;
    const average = running && { running: running.operands, fraction: FRACTION, correction };
    bench.backend.kernels.forward?.(input, g, out, average, eps, affine.buffers, output);
    const stats = momentsOf(p, x, g);
    return [
      compareLine("y", await result(), x, g, p.dtype, normalizeLine(p, stats, eps, affine.values)),
      ...(await compared(stats)),
      ...(running ? await running.compared(stats, FRACTION, correction) : []),
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
  async run(call) {
    const { bench, p, g, data, option, eps, m } = call;
    const [mode = "", grads] = option.split(" ");
    const [dy, x] = [data.dy(), data.x()];
    const affine = affineFor(call, mode);
    const { sums, grad, compared } = gradSumOutputs(call, grads);
    const { input, output, result } = mapped(call, "dy", "dx", dy);
    const xBuffer = bench.input("x", x);
    const { stats, given } = givenStats(call);
    bench.backend.kernels.backward?.(input, xBuffer, g, given, eps, affine.buffers, sums, grad, m, output);
    const truth = gradSumsOf(p, dy, x, g, stats, eps);
    const plane = gradientPlane(p, stats, eps, truth.r, affine.values?.gamma ?? null, truth, m);
    return [comparePlane("dx", await result(), dy, x, g, p.dtype, plane), ...(await compared(truth))];
  },
};

export const FUSED_KERNELS = [forward, backward];
