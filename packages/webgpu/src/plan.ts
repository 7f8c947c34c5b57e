import type { Geometry } from "@bn/core";
import { LEAST_THREADS_OF_GPU, type Tuning } from "./tuning.ts";
import type { Flags } from "./variant.ts";

/** How a reduction over channels is spread over workgroups, as kernels/lib/reduce.wgsl describes. */
export interface ReductionPlan {
  readonly vec4: boolean;
  /** Whether a unit holds four channels instead of four values of one. `channels` are then quads of channels. */
  readonly coef4: boolean;
  /** Whether adjacent threads take adjacent channels. */
  readonly across: boolean;
  readonly lanes: number;
  /** The number of channels per workgroup. */
  readonly slots: number;
  readonly channels: number;
  readonly inner: number;
  readonly units: number;
  readonly splits: number;
  readonly each: number;
  /** The number of workgroups over all parts. */
  readonly groups: number;
  readonly m: number;
  /** Whether lanes have so many units that moments reads them once, around a sampled value. */
  readonly once: boolean;
  /**
   * Whether forward and backward take one dispatch: the lanes that have reduced a channel compute y or dx of it. On an H100 forward
   * of [8, 512, 49] then takes 5.6 us, not 9.5, and backward 4.9, not 8.8; [256, 512, 49] 33 and 51, not 48 and 56. An emulator
   * loses up to a half: its own maps are faster (lib/map.wgsl), and it has no time between dispatches.
   */
  readonly fused: boolean;
}

/** The least number of units per lane that makes a tree over lanes worth its barriers. */
const UNITS_OF_LANE = 4;
/**
 * A channel is cut if its lanes have more units than the first number. Parts then have the second at least, so that many reads
 * are under way. [512, 1024] has 32: cut in two, its moments take 15.4 us on an H100, not 6.4. With 64, forward of [1024, 512] takes
 * 20.6 us, not 15.7, and backward of [64, 128, 784] 57, not 53. N-1 limits the largest part.
 */
const MOST_UNITS_UNCUT = 32;
const LEAST_UNITS_OF_PART = 16;
const MOST_UNITS_OF_PART = 512;
/**
 * Channels with fewer units, of all or of a lane, are read twice. The first limit is four times the number of units that
 * moments samples to find a value near the mean.
 */
const LEAST_UNITS_TO_SAMPLE = 1024;
const LEAST_UNITS_OF_LANE_TO_SAMPLE = 32;
/**
 * In shorter runs, adjacent lanes would read different lines of memory, so adjacent lanes take adjacent channels
 * instead.
 */
const SHORT_RUN = 8;
/** The memory of a workgroup holds eight numbers for each of so many threads on every device. */
const MOST_THREADS_OF_QUADS = 256;
/** The least number of adjacent channels per workgroup, or of quads, if they are adjacent in memory. */
const LEAST_CHANNELS_ACROSS = 16;
const LEAST_QUADS_ACROSS = 8;
/**
 * From so many rows a GPU gains from quads. On an H100, microseconds without and with them: moments of [100352, 64] 29.3 and
 * 26.7, forward 52.1 and 49.2, of [25088, 256] 52.9 and 50.7, gradSums and backward the same. With fewer rows their threads are
 * too few: moments of [64, 128] 4.3 and 5.1, gradSums of [4096, 64] 8.6 and 9.4. With 4 quads per workgroup backward took 54 for 50.
 * An emulator, whose workgroups are small, always gains: it took half the time of [64, 128] and [4096, 64].
 */
const LEAST_ROWS_OF_QUADS = 8192;

export function planReduction(geometry: Geometry, { workgroup, busy }: Tuning): ReductionPlan {
  const { outer, channels: all, inner: innerValues } = collapse(geometry);
  const gains = workgroup < LEAST_THREADS_OF_GPU || outer >= LEAST_ROWS_OF_QUADS;
  const coef4 = innerValues === 1 && all % 4 === 0 && gains && workgroup <= MOST_THREADS_OF_QUADS;
  const vec4 = coef4 || innerValues % 4 === 0;
  const channels = coef4 ? all / 4 : all;
  const inner = vec4 && !coef4 ? innerValues / 4 : innerValues;
  const units = outer * inner;
  const across = inner < SHORT_RUN && all > 1;
  const wanted = Math.min(workgroup, powerOfTwoFrom(units / UNITS_OF_LANE));
  const adjacent = coef4 ? LEAST_QUADS_ACROSS : LEAST_CHANNELS_ACROSS;
  const slots = across
    ? Math.min(workgroup, powerOfTwoFrom(channels), Math.max(adjacent, workgroup / wanted))
    : workgroup / wanted;
  const lanes = workgroup / slots;
  const blocks = Math.ceil(channels / slots);
  const least = Math.ceil(units / (lanes * MOST_UNITS_OF_PART));
  const most = units > lanes * MOST_UNITS_UNCUT ? Math.ceil(units / (lanes * LEAST_UNITS_OF_PART)) : 1;
  const parts = Math.max(least, Math.min(Math.ceil(busy / blocks), most), 1);
  const each = Math.ceil(units / parts / lanes) * lanes;
  const splits = Math.max(1, Math.ceil(units / each));
  return {
    vec4,
    coef4,
    across,
    lanes,
    slots,
    channels,
    inner,
    units,
    splits,
    each,
    groups: blocks * splits,
    m: outer * innerValues,
    once: units >= Math.max(lanes * LEAST_UNITS_OF_LANE_TO_SAMPLE, LEAST_UNITS_TO_SAMPLE),
    fused: splits === 1 && workgroup >= LEAST_THREADS_OF_GPU,
  };
}

/**
 * Plans the dispatch that joins the parts of a cut reduction. It has a whole workgroup per channel, because it may have
 * to recompute the sums.
 */
export function planFinish(plan: ReductionPlan, { workgroup }: Tuning): ReductionPlan {
  return { ...plan, across: false, lanes: workgroup, slots: 1, groups: plan.channels };
}

/** The flags of a reduction's pipelines, of which `planFinish` has the same. */
export function reductionFlags({ vec4, coef4, across, inner }: ReductionPlan): Flags {
  return { VEC4: vec4, COEF4: coef4, ACROSS: across, INNER1: inner === 1 };
}

/** The number of scratch values that reductions over `plan` need: two pairs per part, and two per channel. */
export function scratchOf({ splits, channels, coef4 }: ReductionPlan): number {
  return splits === 1 ? 0 : 2 * (2 * splits + 2) * channels * (coef4 ? 4 : 1);
}

/** How a map over elements is spread over workgroups, as kernels/lib/map.wgsl describes. */
export interface MapPlan {
  readonly vec4: boolean;
  /** Whether per-channel operands are also read four at a time. */
  readonly coef4: boolean;
  readonly across: boolean;
  /**
   * The number of runs per workgroup. A workgroup works on one run of one channel at a time, and takes this many runs
   * or a part of one. With 0, threads do not keep to runs.
   */
  readonly runs: number;
  readonly channels: number;
  readonly inner: number;
  readonly units: number;
  readonly splits: number;
  /** Units per part of a run; with `across`, units per channel. */
  readonly each: number;
  /** The most units per thread. */
  readonly items: number;
  readonly groups: number;
  readonly m: number;
}

export function planMap(geometry: Geometry, { workgroup, busy, items }: Tuning): MapPlan {
  const { outer, channels, inner } = collapse(geometry);
  const across = inner === 1;
  const coef4 = across && channels % 4 === 0;
  const vec4 = coef4 || inner % 4 === 0;
  const columns = coef4 ? channels / 4 : channels;
  const run = vec4 && !coef4 ? inner / 4 : inner;
  const units = outer * columns * run;
  const rounds = Math.ceil(run / workgroup); // units per thread and run
  const splits = Math.ceil(rounds / items);
  const inRuns = !across && run >= workgroup / 2;
  const all = outer * columns;
  const runs = inRuns ? Math.max(1, Math.min(Math.floor(items / rounds), Math.floor(all / busy))) : 0;
  const threads = across ? columns * Math.ceil(outer / items) : Math.ceil(units / items);
  return {
    vec4,
    coef4,
    across,
    runs,
    channels: columns,
    inner: run,
    units,
    splits,
    each: across ? outer : Math.ceil(run / splits),
    items,
    groups: inRuns ? Math.ceil(all / runs) * splits : Math.ceil(threads / workgroup),
    m: outer * inner,
  };
}

export function mapFlags({ vec4, coef4, across, runs }: MapPlan): Flags {
  return { VEC4: vec4, COEF4: coef4, ACROSS: across, RUNS: runs > 0 };
}

/** A single channel is one contiguous run of memory, whatever its shape. */
function collapse(g: Geometry): Geometry {
  return g.channels === 1 ? { outer: 1, channels: 1, inner: g.outer * g.inner } : g;
}

function powerOfTwoFrom(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}
