import type { HostArray } from "@bn/core";
import type { Comparison } from "../../case.ts";
import { averageBound, type Precision } from "../../truth/bounds.ts";
import { exactly } from "../../truth/exact.ts";
import { storedErrors, type WideStats } from "../../truth/lines.ts";
import { compareChannels } from "../../truth/maps.ts";
import { addPairs, low, multiplyPairs } from "../../truth/pairs.ts";
import { dividedBy, type Wide, wide, wideOf } from "../../truth/wide.ts";
import { hostArray } from "../data.ts";
import { type Call, type CoveredKernel, givenStats } from "./calls.ts";
import { momentOutputs } from "./sums.ts";

const FACTOR = 1.75;

/** Running statistics before a step, as operands. */
export function runningFor({ bench, p, data }: Call) {
  const before = {
    mean: data.runningMean(),
    variance: data.runningVariance(),
    factor: hostArray(bench.dtype, [FACTOR]),
  };
  const operands = {
    mean: bench.inOut("running.mean", before.mean),
    variance: bench.inOut("running.variance", before.variance),
    factor: bench.inOut("running.factor", before.factor),
  };
  const compared = async (stats: WideStats, fraction: number, correction: number) => {
    const got = await Promise.all(["mean", "variance", "factor"].map((key) => bench.result(`running.${key}`)));
    return compareStepped(p, got, before, stats, fraction, correction);
  };
  return { operands, compared };
}

/** The value per channel after a step: fraction * old + times * value. */
function stepped(old: ArrayLike<number>, fraction: number, value: Wide, times: number): Wide {
  const out = wide(old.length);
  for (let c = 0; c < old.length; c++) {
    const added = multiplyPairs(value.hi[c] as number, value.lo[c] as number, times, 0);
    const rest = low[0] as number;
    const kept = multiplyPairs(old[c] as number, 0, fraction, 0);
    out.hi[c] = addPairs(kept, low[0] as number, added, rest);
    out.lo[c] = low[0] as number;
  }
  return out;
}

/** Running sums as numbers of the dtype. */
export interface RunningValues {
  readonly mean: HostArray;
  readonly variance: HostArray;
  readonly factor: HostArray;
}

/**
 * BN-7, N-8: compares the result of a step whose statistics may be off by their errors. Without statistics nothing may
 * change.
 */
export function compareStepped(
  p: Precision,
  got: readonly HostArray[],
  before: RunningValues,
  stats: WideStats | null,
  fraction: number,
  correction: number,
  what = "running",
): Comparison[] {
  const one = wideOf([1]);
  const rows = [
    { key: "mean", value: stats?.mean, times: 1, off: stats?.errors?.mean },
    { key: "variance", value: stats?.variance, times: correction, off: stats?.errors?.variance },
    { key: "factor", value: stats ? one : undefined, times: 1, off: undefined },
  ] as const;
  return rows.map(({ key, value, times, off }, i) => {
    const name = `${what}.${key}`;
    const old = before[key];
    if (!value) return compareChannels(name, got[i] as HostArray, wideOf(old), new Float64Array(old.length), p.dtype);
    const bound = averageBound(p, old, fraction, timesOf(value.hi, times), off ? timesOf(off, times) : null, null);
    return compareChannels(name, got[i] as HostArray, stepped(old, fraction, value, times), bound, p.dtype);
  });
}

function timesOf(values: Float64Array, by: number): Float64Array {
  if (by === 1) return values;
  const out = new Float64Array(values.length);
  for (let c = 0; c < out.length; c++) out[c] = (values[c] as number) * by;
  return out;
}

/** The option is the fraction that is kept. */
const movingAverage: CoveredKernel = {
  name: "movingAverage",
  clause: "K-7",
  options: ["0.999", "0", "1"],
  over: "channels",
  async run(call) {
    const { bench, g, option } = call;
    const [fraction, correction] = [Math.fround(Number(option)), option === "0" ? 1 : 64 / 63];
    const { operands: running, compared } = runningFor(call);
    const { stats, given } = givenStats(call);
    bench.backend.kernels.movingAverage(g.channels, given, { running, fraction, correction });
    return compared(stats, fraction, correction);
  },
};

/** The option is the factor. */
const globalStats: CoveredKernel = {
  name: "globalStats",
  clause: "K-8",
  options: ["3", "0", "999.4999", "0.375", "-2.5"],
  over: "channels",
  async run(call) {
    const { bench, p, g, data, option } = call;
    const factor = hostArray(bench.dtype, [Math.fround(Number(option))]);
    const host = { mean: data.runningMean(), variance: data.runningVariance() };
    const running = {
      mean: bench.input("running.mean", host.mean),
      variance: bench.input("running.variance", host.variance),
      factor: bench.input("running.factor", factor),
    };
    const { out, compared } = momentOutputs(call);
    bench.backend.kernels.globalStats(g.channels, running, out);
    return compared(storedStats(p, { ...host, factor }));
  },
};

/** The statistics that are computed from running sums (BN-6, N-8). */
export function storedStats(p: Precision, { mean, variance, factor }: RunningValues) {
  const by = factor[0] as number;
  const over = (sums: HostArray) => (by === 0 ? wide(sums.length) : dividedBy(wideOf(sums), by, p.dtype));
  const stats = { mean: over(mean), variance: over(variance) };
  return { ...stats, errors: { mean: storedErrors(p, stats.mean), variance: storedErrors(p, stats.variance) } };
}

/** Copies and fills must be exact (K-9). */
const copy: CoveredKernel = {
  name: "copy",
  clause: "K-9",
  options: [""],
  over: "length",
  async run({ bench, data }) {
    const values = data.x();
    const y = bench.output("y", values.length);
    bench.backend.kernels.copy(values.length, bench.input("x", values), y);
    return [exactly("y", await bench.result("y"), values)];
  },
};

/** The option is the value. */
const fill: CoveredKernel = {
  name: "fill",
  clause: "K-9",
  options: ["-2.5", "0", "1e30", "-0"],
  over: "length",
  async run({ bench, g, option }) {
    const value = Math.fround(Number(option));
    bench.backend.kernels.fill(g.inner, value, bench.output("y", g.inner));
    return [exactly("y", await bench.result("y"), new Float64Array(g.inner).fill(value))];
  },
};

export const CHANNEL_KERNELS = [movingAverage, globalStats];
export const LENGTH_KERNELS = [copy, fill];

/** Runs both in one case. */
export const copyAndFill: CoveredKernel = {
  ...fill,
  name: "copy-fill",
  run: async (call) => [...(await copy.run(call)), ...(await fill.run(call))],
};
