import type {
  Backend,
  DeviceBuffer,
  Dtype,
  Geometry,
  HostArray,
  HostBuffer,
  Moments,
  Running,
  SplitMoments,
  Sums,
} from "../backend.ts";
import { newHostArray } from "../host-values.ts";
import { digestOf } from "./digest.ts";
import type { Member } from "./member.ts";
import { COUNT, DIGEST, lowAt, m2At, meanAt, mergeRanks, momentsLength, sumRanks } from "./merge-ranks.ts";

/** Sums over the values of one rank or of all ranks: [sum dy per channel, sum dy x^ per channel]. */
interface GatheredSums {
  readonly own: Float64Array;
  readonly total: Float64Array;
}

/**
 * The work of a synchronised layer between reduction and map: it gathers the reductions of all ranks and merges them
 * (R-1). Nothing that other code sees changes before `applyMoments`, so a gather that throws has changed nothing.
 */
export interface Ranks {
  /** Values per channel of the last forward, summed over all ranks. */
  readonly count: number;
  /** Whether parameters get the gradients of all ranks' values. */
  readonly globalGradients: boolean;
  /** A collective call. `x` is null if this rank has no values; `running` is null if no statistics are stored. */
  gatherMoments(x: DeviceBuffer | null, g: Geometry, running: Running<DeviceBuffer> | null): void;
  /** Writes the gathered moments to `stats`, and counts the step. */
  applyMoments(stats: Moments<DeviceBuffer>): void;
  /**
   * A collective call. `sums` is null if this rank has no values; it is `stored` after a forward with stored
   * statistics.
   */
  gatherSums(sums: Sums<DeviceBuffer> | null, stored: boolean): GatheredSums;
  /** Writes the gathered sums to `sums`. */
  applySums(sums: Sums<DeviceBuffer>): void;
}

const viewOf = (buffer: DeviceBuffer): HostArray => (buffer as HostBuffer).view;

/** `split` are scratch buffers for the moments of this rank. */
export function createRanks(
  { communicator, gathered: memory, label, settings, fail }: Member,
  backend: Backend,
  dtype: Dtype,
  channels: number,
  split: SplitMoments<DeviceBuffer>,
): Ranks {
  const { size } = communicator;
  const { eps, fraction, globalGradients } = settings;
  const what = `${channels} channels, ${dtype}, eps ${eps}${globalGradients ? ", global gradients" : ""}`;
  const stored = `(${what}, fraction ${fraction})`;
  const unstored = `(${what}, updateStats false)`;
  const moments = new Float64Array(momentsLength(channels));
  const own = new Float64Array(2 * channels);
  const total = new Float64Array(2 * channels);
  const mean = newHostArray(dtype, channels);
  const variance = newHostArray(dtype, channels);
  const lengths = [channels, channels, 1];
  let gathered = 0;
  let count = 0;
  let step = 0;

  function reduce(x: DeviceBuffer, g: Geometry): void {
    backend.kernels.splitMoments?.(x, g, split);
    copyTo(moments, meanAt, viewOf(split.mean), channels);
    copyTo(moments, lowAt(channels), viewOf(split.meanLow), channels);
    copyTo(moments, m2At(channels), viewOf(split.m2), channels);
  }

  function checkStored(all: Float64Array): void {
    for (let rank = 1; rank < size; rank++) {
      if (all[rank * moments.length + DIGEST] === all[DIGEST]) continue;
      fail(
        "forward",
        `the stored statistics of rank ${rank} differ from those of rank 0; load() the same state on every rank`,
        "ERR_BN_SYNC",
      );
    }
  }

  return {
    get count() {
      return count;
    },
    globalGradients,
    gatherMoments(x, g, running) {
      moments[COUNT] = g.outer * g.inner;
      if (x === null) moments.fill(0, meanAt);
      else reduce(x, g);
      moments[DIGEST] = 0;
      if (running !== null) {
        const { mean: means, variance: variances, factor } = running;
        moments[DIGEST] = digestOf([viewOf(means), viewOf(variances), viewOf(factor)], lengths);
      }
      const tag = `${label} forward ${step} ${running === null ? unstored : stored}`;
      const all = communicator.allGather(tag, moments, memory(size * moments.length));
      checkStored(all);
      gathered = mergeRanks(all, size, channels, mean, variance);
      if (gathered > 0) return;
      fail(
        "forward",
        "the batches of all ranks are empty: without values there are no statistics; skip the step on all ranks",
      );
    },
    applyMoments(stats) {
      backend.write(stats.mean, mean);
      backend.write(stats.variance, variance);
      count = gathered;
      step += 1;
    },
    gatherSums(sums, stored) {
      if (sums === null) own.fill(0);
      else {
        copyTo(own, 0, viewOf(sums.dy), channels);
        copyTo(own, channels, viewOf(sums.dyXhat), channels);
      }
      const tag = `${label} backward ${stored ? "with stored statistics" : `of forward ${step - 1}`} (${what})`;
      const all = communicator.allGather(tag, own, memory(size * own.length));
      sumRanks(all, size, 2 * channels, total);
      return { own, total };
    },
    applySums(sums) {
      const [dy, dyXhat] = [viewOf(sums.dy), viewOf(sums.dyXhat)];
      for (let c = 0; c < channels; c++) {
        dy[c] = total[c] as number;
        dyXhat[c] = total[channels + c] as number;
      }
    },
  };
}

/** Copies `count` elements. A loop: `set` converts between types in a slow call, and needs a view per call. */
function copyTo(target: Float64Array, start: number, source: HostArray, count: number): void {
  for (let i = 0; i < count; i++) target[start + i] = source[i] as number;
}

/** Adds the part of the gathered sums that belongs to one of this layer's parameters to its diff. */
export function addInto(diff: DeviceBuffer, sums: Float64Array, start: number, channels: number): void {
  const view = viewOf(diff);
  for (let c = 0; c < channels; c++) view[c] = (view[c] as number) + (sums[start + c] as number);
}
