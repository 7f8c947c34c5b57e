import type { Case, Comparison } from "../../case.ts";
import { precisionOf } from "../../truth/bounds.ts";
import { dd } from "../../truth/dd.ts";
import { channelsOf } from "../../truth/oracle.ts";
import { averaged, check, perChannel, runningTruth, runningTruths, type Truth } from "../../truth/truth.ts";
import { DTYPES, hostArray } from "../data.ts";
import { withOperands } from "../operands.ts";

const STEPS = 2000;
/** A plain mean of all batches, which keeps every error, and Caffe's default. */
const FRACTIONS = [1, Math.fround(0.999)];
/** 0.1 and 10.2 are rounded in opposite directions, so that a drift shows in either direction. */
const MEAN = [0.1, 10.2, -3.3];
const VARIANCE = [0.005, 0.02, 7.7];

/** N-8 over many steps: errors may add up as the bounds of the steps do, and no faster. */
export function longRunCases(): Case[] {
  return DTYPES.map((dtype) => ({
    id: `kernels/movingAverage/${STEPS}-steps/${dtype}`,
    group: "kernels",
    clause: "N-8",
    needs: { dtype },
    run: ({ backend }) =>
      withOperands(backend, dtype, async (o) => {
        const p = precisionOf(dtype, backend.supports);
        const stats = { mean: hostArray(dtype, MEAN), variance: hostArray(dtype, VARIANCE) };
        const buffers = { mean: o.input(stats.mean), variance: o.input(stats.variance) };
        const given = { mean: channelsOf(stats.mean), variance: channelsOf(stats.variance) };
        const none = { mean: new Float64Array(3), variance: new Float64Array(3) };
        const done: Comparison[] = [];
        for (const fraction of FRACTIONS) {
          const zeros = new Float64Array(3);
          const running = { mean: o.output(3, zeros), variance: o.output(3, zeros), factor: o.output(1, [0]) };
          let truth = runningTruth({ mean: channelsOf(zeros), variance: channelsOf(zeros), factor: dd(0) });
          for (let step = 0; step < STEPS; step++) {
            o.backend.kernels.movingAverage(3, buffers, { running, fraction, correction: 4 / 3 });
            truth = averaged(p, truth, { stats: given, errors: none }, fraction, dd(4 / 3));
          }
          for (const [i, key] of (["mean", "variance", "factor"] as const).entries()) {
            const expected = runningTruths(p, truth)[i] as Truth;
            const what = `${key} fraction ${fraction}`;
            done.push(check(what, await o.read(key, running[key]), expected, perChannel(expected.expected.length)));
          }
        }
        return done;
      }),
  }));
}
