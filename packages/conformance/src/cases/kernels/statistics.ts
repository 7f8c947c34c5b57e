import type { Comparison } from "../../case.ts";
import { globalBound } from "../../truth/bounds.ts";
import { dd } from "../../truth/dd.ts";
import * as oracle from "../../truth/oracle.ts";
import { averaged, check, perChannel, runningTruth, truthOf } from "../../truth/truth.ts";
import { factors, normals } from "../data.ts";
import { type Kernel, type Run, statBuffers, statsOf } from "./inputs.ts";

const STEPS = [
  [Math.fround(0.999), 64 / 63],
  [0, 1],
  [1, 2],
] as const;

const movingAverage: Run = async (o, g, inputs, p, seed) => {
  const { channels } = g;
  const row = perChannel(channels);
  const done: Comparison[] = [];
  for (const [fraction, correction] of channels > 60_000 ? STEPS.slice(0, 1) : STEPS) {
    const before = {
      mean: normals(`${seed}|mean sum`, channels, p.dtype),
      variance: factors(`${seed}|variance sum`, channels, p.dtype, true),
      factor: factors(`${seed}|factor`, 1, p.dtype, true),
    };
    const running = {
      mean: o.output(channels, before.mean),
      variance: o.output(channels, before.variance),
      factor: o.output(1, before.factor),
    };
    o.backend.kernels.movingAverage(channels, statBuffers(o, inputs), { running, fraction, correction });
    const start = runningTruth({
      mean: oracle.channelsOf(before.mean),
      variance: oracle.channelsOf(before.variance),
      factor: dd(before.factor[0] as number),
    });
    const none = { mean: new Float64Array(channels), variance: new Float64Array(channels) };
    const after = averaged(p, start, { stats: statsOf(inputs), errors: none }, fraction, dd(correction));
    const { mean, variance, factor } = after.running;
    const what = ` fraction ${fraction}`;
    done.push(
      check(`mean${what}`, await o.read("mean", running.mean), truthOf(p, mean, after.errors.mean), row),
      check(
        `variance${what}`,
        await o.read("variance", running.variance),
        truthOf(p, variance, after.errors.variance),
        row,
      ),
      check(
        `factor${what}`,
        await o.read("factor", running.factor),
        truthOf(p, [factor], after.errors.factor),
        perChannel(1),
      ),
    );
  }
  return done;
};

const globalStats: Run = async (o, g, inputs, p) => {
  const { channels } = g;
  const row = perChannel(channels);
  const done: Comparison[] = [];
  for (const factor of [3, 0, Math.fround(999.4999)]) {
    const running = { mean: o.input(inputs.mean), variance: o.input(inputs.variance), factor: o.input([factor]) };
    const out = { mean: o.output(channels), variance: o.output(channels) };
    o.backend.kernels.globalStats(channels, running, out);
    const stats = oracle.globalStats({ ...statsOf(inputs), factor: dd(factor) });
    for (const key of ["mean", "variance"] as const) {
      const what = `${key} factor ${factor}`;
      done.push(check(what, await o.read(what, out[key]), truthOf(p, stats[key], globalBound(p, stats[key])), row));
    }
  }
  return done;
};

export const STATISTICS: readonly Kernel[] = [
  { name: "movingAverage", clause: "K-7", run: movingAverage },
  { name: "globalStats", clause: "K-8", run: globalStats },
];
