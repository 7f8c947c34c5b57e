/**
 * There is one job at a time. Its operands lie in a block of memory that all threads see. Free threads, including the
 * calling thread, claim its items one by one. The result of an item does not depend on the thread that computes it.
 */
import { DONE, EPOCH, JOB } from "../src/layout";

/**
 * The job's number and the number of unclaimed items. Threads contend for this word, so it has a cache line that the
 * host does not touch.
 */
const CLAIM: usize = 128;

@unmanaged
export class Job {
  // The part that the host writes (src/job.ts): numbers, sizes, and addresses. An address of 0 means that there is no
  // buffer.
  eps: f64;
  /** The number that a gradient divides the sums by. */
  m: f64;
  /** For fill: the value. */
  value: f64;
  /** For movingAverage: the part of the running statistics that is kept, and the factor of the variance. */
  fraction: f64;
  correction: f64;
  /** For copy and fill: the number of elements. */
  length: u32;
  outer: u32;
  channels: u32;
  inner: u32;
  x: usize;
  dy: usize;
  /** The output of a map: y or dx. */
  y: usize;
  mean: usize;
  /** For moments: the low part of the mean, and the sum of squares instead of the variance (K-12). */
  meanLow: usize;
  variance: usize;
  m2: usize;
  gamma: usize;
  beta: usize;
  sumDy: usize;
  sumDyXhat: usize;
  gradGamma: usize;
  gradBeta: usize;
  runningMean: usize;
  runningVariance: usize;
  factor: usize;
  // The part that a kernel plans.
  /** The function that computes an item, as its index in the module's table, which is the same in all threads. */
  work: u32;
  items: u32;
  /** 1 in backward: its gradient uses the sums as they were before they were rounded to the dtype. */
  fused: u32;
  /** The first channel that has an entry in the tables. */
  first: u32;
  /** Planes: channels per item. Columns: rows per item. */
  span: u32;
  /**
   * The number of parts that a channel, or the rows, are cut into, and the number of elements of a channel per part.
   */
  parts: u32;
  size: u32;
  /** Planes: the number of vectors of a channel that are sampled for its shift. */
  probes: u32;
  /**
   * Columns: the number of columns of a tile, starting at `firstColumn`; the number of their blocks of 64 bytes; the
   * number of folded rows; and the bytes between those.
   */
  firstColumn: u32;
  columns: u32;
  blocks: u32;
  rows: u32;
  stride: usize;
  /** The number of blocks that are listed to be summed. */
  listed: u32;
  /** The number of rows that are folded into one, and the number of elements after the last of those. */
  fold: u32;
  rest: u32;
}

export const job: Job = changetype<Job>(<usize>JOB);

/**
 * Work on fewer bytes is not shared: another thread would have woken too late to help much. It is then planned as for
 * one thread; in tiles for others, moments and gradSums of [8, 64, 64] and [8, 64, 100] took 8 to 40 % longer. Measured,
 * float32, two threads against one, on a quiet machine of two virtual cores: normalize, forward and backward of
 * [8, 64, 256], 1 to 1.5 MiB, 0.64, 0.89 and 0.59; of [8, 64, 1024] 0.52, 0.60 and 0.54; of [32, 64, 3136] 0.58, 0.63 and
 * 0.58. Shared, [8, 64, 128] with 0.5 and 0.75 MiB took 1.1 to 1.7 on a busy machine.
 */
const SHARED: u64 = 1048576;

/** How often a helper checks the epoch before it sleeps: some 20 microseconds. */
const AWAKE: u32 = 20000;
/** How often the calling thread checks whether others have finished the last items, before it sleeps. */
const NEARLY: u32 = 4096;

let helpers: u32 = 0;
let scratch: usize = 0;

/** Sets where this instance's scratch lies and how many other threads may help it. */
export function configure(scratchAt: usize, others: u32): void {
  scratch = scratchAt;
  helpers = others;
}

/** Whether work on so many bytes is shared with other threads. */
export function isShared(bytes: u64): bool {
  return helpers > 0 && bytes >= SHARED;
}

export function scratchAt(): usize {
  return scratch;
}

/** Provided by the host: waits for helpers to finish what they claimed. */
declare function settle(items: u32): void;

/** Runs items 0 to `items` of some work. Helpers take part if `bytes` is large. Returns when all items are done. */
export function run(work: (item: u32) => void, items: u32, bytes: u64): void {
  if (ASC_FEATURE_THREADS) {
    if (items > 1 && isShared(bytes)) {
      runShared(work.index, items);
      return;
    }
  }
  for (let item: u32 = 0; item < items; item++) call_indirect<void>(work.index, item);
}

function runShared(work: u32, items: u32): void {
  job.work = work;
  job.items = items;
  atomic.store<u32>(DONE, 0);
  // The claim carries the job's number, so that a thread that is late from the last job cannot take an item of this
  // one. It is written before the epoch changes: a thread that sees the new epoch finds items, and sleeps only when all
  // of them are claimed.
  const epoch = atomic.load<u32>(EPOCH) + 1; // no other thread changes it while a job is published
  atomic.store<u64>(CLAIM, (u64(epoch) << 32) | items);
  atomic.store<u32>(EPOCH, epoch);
  atomic.notify(EPOCH, min(helpers, items - 1));
  drain();
  let spins = NEARLY;
  while (atomic.load<u32>(DONE) !== items && spins > 0) spins--;
  if (spins === 0) settle(items);
}

/** Claims and runs items until none is left. The claim counts down, so an exhausted job closes itself. */
function drain(): void {
  while (true) {
    const claim = atomic.load<u64>(CLAIM);
    const left = u32(claim);
    if (left === 0) return;
    if (atomic.cmpxchg<u64>(CLAIM, claim, claim - 1) !== claim) continue;
    const items = job.items;
    call_indirect<void>(job.work, items - left);
    if (atomic.add<u32>(DONE, 1) + 1 === items) atomic.notify(DONE, 1);
  }
}

/** The loop of a helper: it works while there are items and sleeps until the next job. It ends when `stop` is set. */
export function help(stop: usize): void {
  if (ASC_FEATURE_THREADS) {
    while (true) {
      const epoch = atomic.load<u32>(EPOCH);
      if (atomic.load<u32>(stop) !== 0) return;
      drain();
      // The next layer's job often follows within microseconds, which is less than waking takes.
      let spins = AWAKE;
      while (atomic.load<u32>(EPOCH) === epoch && spins > 0) spins--;
      if (spins === 0) atomic.wait<i32>(EPOCH, epoch, -1);
    }
  }
}
