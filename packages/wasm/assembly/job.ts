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
/** The number of helpers that sleep, in the line of the epoch (src/layout.ts). */
const ASLEEP: usize = 72;
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
 * Work on fewer bytes is not shared, nor cut into tiles for others. Moments count their tensor twice, because their
 * arithmetic takes as long as two reads. Measured in a loop, us, on one and two threads: moments of [8, 64, 256] (1 MiB)
 * 13.7 and 7.5, of [2048, 64] (1 MiB) 14.0 and 8.3.
 */
const SHARED: u64 = 1048576;
/**
 * Sleeping helpers are always woken for work on so many bytes. To wake one costs the calling thread some 10 us, and the
 * helper takes 40 more to come. For less work they are woken in case more follows at once; if not, ever more jobs pass
 * until the next time. Measured with pauses of 0.2 ms, us, on one thread, on two if helpers are woken each time, and as it
 * is: normalize of [8, 512, 49] 18.5, 26.7, 18.5; moments and normalize of [2048, 64] 26.2, 35.8, 27.3, which take 15.7
 * in a loop. For [32, 64, 256], 4 MiB, waking pays: moments 52.9 and 46.1, normalize 42.5 and 40.3.
 */
const LONG: u64 = 4194304;
/** The most jobs that pass. */
const MOST_PASSED: u32 = 63;

/** How often a helper checks for the next job before it sleeps: some 40 microseconds. */
const AWAKE: u32 = 40000;
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
/** How many jobs pass after helpers were woken for a short one, and how many of these are still to come. */
let interval: u32 = 0;
let toPass: u32 = 0;

/** Sets where this instance's scratch lies and how many other threads may help it. */
export function configure(scratchAt: usize, others: u32): void {
  scratch = scratchAt;
  helpers = others;
}

/** Whether work on so many bytes is shared with other threads. */
export function isShared(bytes: u64): bool {
  if (ASC_FEATURE_THREADS)
    return helpers > 0 && bytes >= SHARED && (bytes >= LONG || toPass === 0 || atomic.load<u32>(ASLEEP) < helpers);
  return false;
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
      runShared(work.index, items, bytes);
      return;
    }
    if (toPass > 0 && bytes >= SHARED) toPass--;
  }
  for (let item: u32 = 0; item < items; item++) call_indirect<void>(work.index, item);
}

function runShared(work: u32, items: u32, bytes: u64): void {
  job.work = work;
  job.items = items;
  atomic.store<u32>(DONE, 0);
  // The claim carries the job's number, so that a thread that is late from the last job cannot take an item of this
  // one. It is written before the epoch changes: a thread that sees the new epoch finds items, and sleeps only when all
  // of them are claimed.
  const epoch = atomic.load<u32>(EPOCH) + 1; // no other thread changes it while a job is published
  atomic.store<u64>(CLAIM, (u64(epoch) << (2 * ITEM_BITS)) | items);
  atomic.store<u32>(EPOCH, epoch);
  if (wakesHelpers(bytes)) atomic.notify(EPOCH, min(helpers, items - 1));
  drain(true);
  if (!isDoneSoon(epoch, items)) settle(items);
}

/**
 * Whether sleeping helpers are woken for the job that was just published. A helper that is about to sleep either has
 * counted itself, or sees the new epoch.
 */
function wakesHelpers(bytes: u64): bool {
  if (toPass > 0) toPass--;
  if (atomic.load<u32>(ASLEEP) === 0) {
    if (interval > 0) interval--;
    return false;
  }
  if (bytes >= LONG) return true;
  if (toPass > 0) return false;
  toPass = interval = min(2 * interval + 1, MOST_PASSED);
  return true;
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
    if (atomic.add<u32>(DONE, 1) + 1 === items && !front) atomic.notify(DONE, 1);
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
      if (spins === 0) {
        atomic.add<u32>(ASLEEP, 1);
        atomic.wait<i32>(EPOCH, epoch, -1);
        atomic.sub<u32>(ASLEEP, 1);
      }
    }
  }
}
