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
import { createDigest } from "./digest.ts";
import type { Member } from "./member.ts";
import { COUNT, DIGEST, lowAt, m2At, meanAt, mergeRanks, momentsLength, sumRanks } from "./merge-ranks.ts";

/** Sums over the values of one rank or of all ranks: [sum dy per channel, sum dy x^ per channel, ...]. */
interface GatheredSums {
  readonly own: Float64Array;
  readonly total: Float64Array;
}

/**
 * The work of a synchronised layer between reduction and map: it gathers the reductions of all ranks and merges them
 * . Nothing that other code sees changes before `applyMoments`, so a gather that throws has changed nothing.
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
  // The tags are the same in every step, because making a text takes half a microsecond. The step is the last number of
  // each message.
  const storingForward = `${label} forward (${what}, fraction ${fraction})`;
  const otherForward = `${label} forward (${what}, updateStats false)`;
  const backward = `${label} backward (${what})`;
  const storedBackward = `${label} backward with stored statistics (${what})`;
  const moments = new Float64Array(momentsLength(channels));
  const [low, m2] = [lowAt(channels), m2At(channels)];
  const own = new Float64Array(2 * channels + 1);
  const total = new Float64Array(2 * channels + 1);
  const mean = newHostArray(dtype, channels);
  const variance = newHostArray(dtype, channels);
  const digestOf = createDigest([channels, channels, 1]);
  let gathered = 0;
  let count = 0;
  let step = 0;

  /** Checks that all ranks sent the same step. The `length` doubles of each rank end with it. */
  function checkStep(method: "forward" | "backward", all: Float64Array, length: number): void {
    const last = length - 1;
    for (let rank = 1; rank < size; rank++) {
      const other = all[rank * length + last];
      if (all[last] === other) continue;
      fail(
        method,
        `ranks are out of step: rank 0 is at forward ${all[last]} of this layer, rank ${rank} at forward ${other}; make the same calls in the same order on every rank`,
        "ERR_BN_SYNC",
      );
    }
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
      else {
        backend.kernels.splitMoments?.(x, g, split);
        const [means, lows, squares] = [viewOf(split.mean), viewOf(split.meanLow), viewOf(split.m2)];
        // A loop, because `set` converts between types in a slow call. It is a loop of this function, because V8 then
        // soon compiles all of it with its best compiler; it counts 3,000 calls of a function without a loop.
        for (let c = 0; c < channels; c++) {
          moments[meanAt + c] = means[c] as number;
          moments[low + c] = lows[c] as number;
          moments[m2 + c] = squares[c] as number;
        }
      }
      moments[DIGEST] = 0;
      if (running !== null) {
        moments[DIGEST] = digestOf([viewOf(running.mean), viewOf(running.variance), viewOf(running.factor)]);
      }
      moments[moments.length - 1] = step;
      const tag = running === null ? otherForward : storingForward;
      const all = communicator.allGather(tag, moments, memory(size * moments.length));
      checkStep("forward", all, moments.length);
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
        const [dy, dyXhat] = [viewOf(sums.dy), viewOf(sums.dyXhat)];
        for (let c = 0; c < channels; c++) {
          own[c] = dy[c] as number;
          own[channels + c] = dyXhat[c] as number;
        }
      }
      own[2 * channels] = stored ? 0 : step - 1;
      const tag = stored ? storedBackward : backward;
      const all = communicator.allGather(tag, own, memory(size * own.length));
      checkStep("backward", all, own.length);
      sumRanks(all, size, own.length, total);
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

/** Adds the part of the gathered sums that belongs to one of this layer's parameters to its diff. */
export function addInto(diff: DeviceBuffer, sums: Float64Array, start: number, channels: number): void {
  const view = viewOf(diff);
  for (let c = 0; c < channels; c++) view[c] = (view[c] as number) + (sums[start + c] as number);
}
