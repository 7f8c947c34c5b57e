import type { HostArray } from "@bn/core";
import type { Comparison } from "../../case.ts";
import type { Precision } from "../../truth/bounds.ts";
import { averageBound } from "../../truth/bounds.ts";
import { exactly } from "../../truth/exact.ts";
import { storedErrors, type WideStats } from "../../truth/lines.ts";
import { compareChannels } from "../../truth/maps.ts";
import { addPairs, low, multiplyPairs } from "../../truth/pairs.ts";
import { dividedBy, type Wide, wide, wideOf } from "../../truth/wide.ts";
import { hostArray } from "../data.ts";
import type { Bench } from "./bench.ts";
import { type CoveredKernel, givenStats } from "./calls.ts";
import type { CallData } from "./data.ts";

const FACTOR = 1.75;

/** Running statistics before a step, as operands. */
export function runningFor(bench: Bench, data: CallData) {
  const before = {
    mean: data.runningMean(),
    variance: data.runningVariance(),
    factor: hostArray(bench.dtype, [FACTOR]),
  };
  const running = {
    mean: bench.inOut("running.mean", before.mean),
    variance: bench.inOut("running.variance", before.variance),
    factor: bench.inOut("running.factor", before.factor),
  };
  return { before, running };
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

export async function compareRunning(
  bench: Bench,
  p: Precision,
  before: RunningValues,
  stats: WideStats,
  fraction: number,
  correction: number,
): Promise<Comparison[]> {
  const got = await Promise.all(["mean", "variance", "factor"].map((key) => bench.result(`running.${key}`)));
  return compareStepped(p, got, before, stats, fraction, correction);
}

/** The option is the fraction that is kept. */
const movingAverage: CoveredKernel = {
  name: "movingAverage",
  clause: "K-7",
  options: ["0.999", "0", "1"],
  mayAlias: false,
  over: "channels",
  async run({ bench, p, g, data, option }) {
    const [fraction, correction] = [Math.fround(Number(option)), option === "0" ? 1 : 64 / 63];
    const stats = givenStats(data);
    const { before, running } = runningFor(bench, data);
    const given = {
      mean: bench.input("mean", stats.host.mean),
      variance: bench.input("variance", stats.host.variance),
    };
    bench.backend.kernels.movingAverage(g.channels, given, { running, fraction, correction });
    return compareRunning(bench, p, before, stats, fraction, correction);
  },
};

/** The option is the factor. */
const globalStats: CoveredKernel = {
  name: "globalStats",
  clause: "K-8",
  options: ["3", "0", "999.4999", "0.375", "-2.5"],
  mayAlias: false,
  over: "channels",
  async run({ bench, p, g, data, option }) {
    const factor = hostArray(bench.dtype, [Math.fround(Number(option))]);
    const host = { mean: data.runningMean(), variance: data.runningVariance() };
    const running = {
      mean: bench.input("running.mean", host.mean),
      variance: bench.input("running.variance", host.variance),
      factor: bench.input("running.factor", factor),
    };
    const out = { mean: bench.output("mean", g.channels), variance: bench.output("variance", g.channels) };
    bench.backend.kernels.globalStats(g.channels, running, out);
    const done: Comparison[] = [];
    for (const key of ["mean", "variance"] as const) {
      const by = factor[0] as number;
      const stats = by === 0 ? wide(g.channels) : dividedBy(wideOf(host[key]), by, p.dtype);
      done.push(compareChannels(key, await bench.result(key), stats, storedErrors(p, stats), p.dtype));
    }
    return done;
  },
};

/** Copies and fills must be exact (K-9). */
const copy: CoveredKernel = {
  name: "copy",
  clause: "K-9",
  options: [""],
  mayAlias: false,
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
  mayAlias: false,
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
