import type { DeviceBuffer } from "../backend.ts";
import type { Blob } from "../blob.ts";
import { BnError } from "../errors.ts";
import { canonicalAxis, geometryOf, shapeText } from "../shape.ts";
import type { Part } from "./merge.ts";
import { checkPart, checkState, fail, type StatisticsState } from "./state.ts";
import { type Block, joinBlocks, pushBlock } from "./tree.ts";

/** The moments of one batch, one entry per channel: mean + meanLow, and the sum of squared deviations from it. */
export type BatchMoments = Part;

/**
 * Mean and variance of many batches, which need not fit in memory or on one machine.
 *
 * Batches are numbered. A statistics object covers consecutive batches, starting at `first`; `merge` takes the object
 * that continues it. The result depends on the batches and their order, and not on how they were divided into parts:
 * the bits are equal (M-2).
 */
export interface Statistics {
  readonly channels: number;
  /** The number of the first batch. */
  readonly first: number;
  /** The number of batches that this object covers. */
  readonly batches: number;
  /** Values per channel, of all batches. */
  readonly count: number;
  /**
   * Adds the next batch: the values of `batch`, whose channels lie on `axis` (default 1, as in Caffe). An empty batch
   * counts as a batch. Await it before the next call.
   *
   * Errors  `ERR_BN_BACKEND`: a backend without `splitMoments`; `ERR_BN_SHAPE`: another number of channels;
   *         `ERR_BN_STATE`: the last `add` is not done; `ERR_BN_MEMORY`; `ERR_BN_DEVICE`. After an error nothing was added.
   */
  add(batch: Blob, options?: { readonly axis?: number }): Promise<void>;
  /** Adds the next batch by its moments, e.g. from another process. Errors: `ERR_BN_PARAM`. */
  addMoments(batch: BatchMoments): void;
  /** Adds the batches of `next`, which begin where these end. Errors: `ERR_BN_PARAM`: a gap, an overlap, other channels. */
  merge(next: Statistics): void;
  /** The mean per channel. Errors: `ERR_BN_STATE` if there are no values. */
  mean(): Float64Array;
  /**
   * The variance per channel: m2 / count, or m2 / (count - 1) if `unbiased`, which is what Caffe and PyTorch store.
   * Errors: `ERR_BN_STATE` if there are no values, or only one per channel and `unbiased`.
   */
  variance(options?: { readonly unbiased?: boolean }): Float64Array;
  /** Returns a copy that can be sent or stored; `loadStatistics` reads it. */
  state(): StatisticsState;
}

/**
 * Creates statistics over batches, starting at batch number `first`, by default 0.
 *
 * Math    each batch: mean and M2 by the backend's `splitMoments` (K-12); parts are merged in float64 by Chan's formula
 *         along a fixed binary tree over batch numbers, of which O(log batches) subtrees are kept (M-1, M-2).
 * Errors  `ERR_BN_PARAM`: the number of channels is not a whole number >= 1, or `first` is not one >= 0.
 *
 * @example
 * ```ts
 * import { createStatistics } from "@bn/core";
 * const of = (value: number) => new Float64Array([value]);
 * const [left, right] = [createStatistics(1), createStatistics(1, { first: 1 })];
 * left.addMoments({ count: 4, mean: of(3), meanLow: of(0), m2: of(14) }); // 1, 2, 3, 6
 * right.addMoments({ count: 1, mean: of(8), meanLow: of(0), m2: of(0) }); // 8
 * left.merge(right);
 * console.log(left.mean(), left.variance()); // Float64Array(1) [ 4 ] Float64Array(1) [ 6.8 ]
 * ```
 */
export function createStatistics(channels: number, options: { readonly first?: number } = {}): Statistics {
  const { first = 0 } = options;
  if (!Number.isSafeInteger(channels) || channels < 1) {
    throw fail("createStatistics", `channels is ${channels}, expected a whole number >= 1`);
  }
  if (!Number.isSafeInteger(first) || first < 0) {
    throw fail("createStatistics", `first is ${first}, expected the number of a batch, a whole number >= 0`);
  }
  return statisticsOf(channels, first, 0, []);
}

/**
 * Restores the result of `state()`, in this process or another. Errors: `ERR_BN_PARAM` for anything else; the message
 * says what is wrong with it.
 */
export function loadStatistics(state: StatisticsState): Statistics {
  const { channels, first, batches, blocks } = checkState("loadStatistics", state);
  const joined: Block[] = [];
  for (const block of blocks) pushBlock(joined, block);
  return statisticsOf(channels, first, batches, joined);
}

function statisticsOf(channels: number, first: number, covered: number, blocks: Block[]): Statistics {
  let batches = covered;
  let adding = false;

  function push(method: string, part: Part): void {
    const total = count() + part.count;
    if (!Number.isSafeInteger(total) || !Number.isSafeInteger(first + batches + 1)) {
      throw fail(
        method,
        `${total} values in ${batches + 1} batches, expected at most 2^53 - 1; create another Statistics`,
      );
    }
    pushBlock(blocks, { ...part, level: 0, start: first + batches });
    batches += 1;
  }
  function count(): number {
    return blocks.reduce((sum, block) => sum + block.count, 0);
  }
  function idle(method: string): void {
    if (!adding) return;
    throw new BnError("ERR_BN_STATE", `Statistics ${method}: the last add() has not finished; await it first`);
  }
  function joined(method: string, least: number): Part {
    idle(method);
    const all = joinBlocks(blocks);
    if (all !== null && all.count >= least) return all;
    const what = least === 1 ? "a mean and a variance need at least 1" : "an unbiased variance needs at least 2";
    throw new BnError(
      "ERR_BN_STATE",
      `Statistics ${method}: ${all?.count ?? 0} values per channel, ${what}; add batches first`,
    );
  }

  return {
    channels,
    first,
    get batches() {
      return batches;
    },
    get count() {
      return count();
    },
    async add(batch, { axis = 1 } = {}) {
      idle("add");
      adding = true;
      try {
        push("add", await momentsOf(batch, axis, channels));
      } finally {
        adding = false;
      }
    },
    addMoments(batch) {
      idle("addMoments");
      push("addMoments", checkPart("Statistics addMoments", batch, channels));
    },
    merge(next) {
      idle("merge");
      const state = checkState("Statistics merge", next?.state?.());
      if (state.channels !== channels) {
        throw fail("merge", `the other part has ${state.channels} channels, expected ${channels}`);
      }
      if (state.first !== first + batches) {
        const what = state.first > first + batches ? "a gap" : "an overlap";
        throw fail(
          "merge",
          `${what}: the other part begins with batch ${state.first}, expected ${first + batches}, which follows the ${batches} from ${first}; merge parts in order`,
        );
      }
      if (!Number.isSafeInteger(count() + next.count)) throw fail("merge", "more than 2^53 - 1 values");
      for (const block of state.blocks) pushBlock(blocks, block);
      batches += state.batches;
    },
    mean() {
      const { mean, meanLow } = joined("mean", 1);
      return mean.map((high, c) => high + meanLow[c]!);
    },
    variance({ unbiased = false } = {}) {
      const { m2, count: values } = joined("variance", unbiased ? 2 : 1);
      return m2.map((squares) => squares / (unbiased ? values - 1 : values));
    },
    state() {
      idle("state");
      return structuredClone({ type: "statistics", version: 1, channels, first, batches, blocks } as const);
    },
  };
}

/** The moments of a batch by its backend's kernel. */
async function momentsOf(batch: Blob, axis: number, channels: number): Promise<Part> {
  const { backend, dtype, shape } = batch;
  const { kernels } = backend;
  if (kernels.splitMoments === undefined) {
    throw new BnError(
      "ERR_BN_BACKEND",
      `Statistics add: backend "${backend.name}" has no kernel splitMoments; read() the batch and add it on @bn/cpu or @bn/wasm`,
    );
  }
  const at = canonicalAxis("Statistics add", shape, axis);
  const g = geometryOf(shape, at, at + 1);
  if (g.channels !== channels) {
    throw new BnError(
      "ERR_BN_SHAPE",
      `Statistics add: axis ${axis} of the batch (shape ${shapeText(shape)}) has ${g.channels} channels, expected ${channels}`,
    );
  }
  const zeros = () => new Float64Array(channels);
  const count = g.outer * g.inner;
  if (count === 0) return { count, mean: zeros(), meanLow: zeros(), m2: zeros() };
  const made: DeviceBuffer[] = [];
  try {
    const vector = () => {
      const buffer = backend.alloc(dtype, channels);
      made.push(buffer);
      return buffer;
    };
    const out = { mean: vector(), meanLow: vector(), m2: vector() };
    backend.reserve?.(dtype, g);
    kernels.splitMoments(batch.data, g, out);
    const read = async (buffer: DeviceBuffer) => Float64Array.from(await backend.read(buffer, channels));
    const [mean, meanLow, m2] = await Promise.all([read(out.mean), read(out.meanLow), read(out.m2)]);
    return { count, mean, meanLow, m2 };
  } finally {
    for (const buffer of made) buffer.dispose();
  }
}
