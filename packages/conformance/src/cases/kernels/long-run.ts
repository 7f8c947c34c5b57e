import type { Dtype } from "@bn/core";
import type { Case, Comparison } from "../../case.ts";
import { precisionOf } from "../../truth/bounds.ts";
import { dd } from "../../truth/dd.ts";
import { channelsOf } from "../../truth/oracle.ts";
import { averaged, check, perChannel, runningTruth, truthOf } from "../../truth/truth.ts";
import { DTYPES } from "../data.ts";
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
        const stats = { mean: rounded(MEAN, dtype), variance: rounded(VARIANCE, dtype) };
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
          for (const key of ["mean", "variance"] as const) {
            const what = `${key} fraction ${fraction}`;
            const expected = truthOf(p, truth.running[key], truth.errors[key]);
            done.push(check(what, await o.read(what, running[key]), expected, perChannel(3)));
          }
          const factor = truthOf(p, [truth.running.factor], truth.errors.factor);
          done.push(
            check(`factor fraction ${fraction}`, await o.read("factor", running.factor), factor, perChannel(1)),
          );
        }
        return done;
      }),
  }));
}

function rounded(values: readonly number[], dtype: Dtype): Float64Array {
  return Float64Array.from(values, (value) => (dtype === "float32" ? Math.fround(value) : value));
}
