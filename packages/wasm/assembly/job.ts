/**
 * There is one job at a time. Its operands lie in a block of memory that all threads see. Free threads, including the
 * calling thread, claim its items one by one. The result of an item does not depend on the thread that computes it.
 */
import { DONE, EPOCH, JOB } from "../src/layout";

/**
 * The lower 28 bits of the job's number, the first unclaimed item, and the number of unclaimed items. Threads contend for
 * this word, so it has a cache line that the host does not touch. The calling thread claims from the front and helpers
 * from the back, so that the next job on the same tensors finds in each core's cache what that core read or wrote.
 * Measured on two threads, float32, without and with it, in a loop: normalize of [4096, 64] 32 and 26 us, of [8, 512, 49]
 * 36 and 28; copy of 1.6 MB 60 and 36. Tensors that exceed the cores' own caches take as long as before.
 */
const CLAIM: usize = 128;
/** The bits of an item's number. A tensor of 2^31 elements has 2^17 slices. */
const ITEM_BITS: u64 = 18;
const ITEM_MASK: u64 = (1 << ITEM_BITS) - 1;

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
  /** In backward: the channel of the first 1 / sqrt(variance + eps) that the sums have kept in their table. */
  inverses: u32;
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
  /** The number of blocks that are listed to be summed, and whether a channel is marked to be summed again. */
  listed: u32;
  marked: u32;
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

/** How often a helper checks for the next job before it sleeps: some 20 microseconds. */
const AWAKE: u32 = 20000;
/**
 * How often a thread without an item checks whether others have finished theirs, before it sleeps: some 80 microseconds,
 * which is longer than an item takes. If a helper sleeps while the calling thread works on the last item, it wakes too
 * late for the next job, where the calling thread takes an item more and the helper sleeps again. With 20 microseconds,
 * and 4 for the calling thread, the mean and the slowest tenth of backward [4096, 64] were 52 and 85 us on two threads;
 * now 40 and 39. With four threads on two cores: 61 and 83, 47 and 44.
 */
const NEARLY: u32 = 80000;

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

/** The number of threads that may take part in a job. */
export function threads(): u32 {
  return helpers + 1;
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
  atomic.store<u64>(CLAIM, (u64(epoch) << (2 * ITEM_BITS)) | items);
  atomic.store<u32>(EPOCH, epoch);
  atomic.notify(EPOCH, min(helpers, items - 1));
  drain(true);
  if (!isDoneSoon(epoch, items)) settle(items);
}

/** Claims and runs items until none is left. An exhausted job closes itself. */
function drain(front: bool): void {
  while (true) {
    const claim = atomic.load<u64>(CLAIM);
    const left = claim & ITEM_MASK;
    if (left === 0) return;
    const first = (claim >> ITEM_BITS) & ITEM_MASK;
    const rest = claim - 1 + (front ? 1 << ITEM_BITS : 0);
    if (atomic.cmpxchg<u64>(CLAIM, claim, rest) !== claim) continue;
    const items = job.items;
    call_indirect<void>(job.work, u32(front ? first : first + left - 1));
    if (atomic.add<u32>(DONE, 1) + 1 === items) atomic.notify(DONE, 1);
  }
}

/** Waits for the items of a job that others have claimed. Returns false if that takes long or the next job begins. */
function isDoneSoon(epoch: u32, items: u32): bool {
  let spins = NEARLY;
  while (atomic.load<u32>(DONE) !== items) {
    if (atomic.load<u32>(EPOCH) !== epoch || --spins === 0) return false;
  }
  return true;
}

/** The loop of a helper: it works while there are items and sleeps until the next job. It ends when `stop` is set. */
export function help(stop: usize): void {
  if (ASC_FEATURE_THREADS) {
    while (true) {
      const epoch = atomic.load<u32>(EPOCH);
      if (atomic.load<u32>(stop) !== 0) return;
      drain(false);
      isDoneSoon(epoch, job.items);
      // The next layer's job often follows within microseconds, which is less than waking takes.
      let spins = AWAKE;
      while (atomic.load<u32>(EPOCH) === epoch && spins > 0) spins--;
      if (spins === 0) atomic.wait<i32>(EPOCH, epoch, -1);
    }
  }
}
