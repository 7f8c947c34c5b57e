/**
 * There is one job at a time. Its operands lie in a block of memory that all threads see. Each thread, including the
 * calling one, has a share of its items, claims them one by one, and then claims what is left of other shares. The
 * result of an item does not depend on the thread that computes it.
 */
import { DONE, HEAD, JOB, MOST_THREADS } from "../src/layout";

/** In the line of the head (src/layout.ts): the number of helpers that sleep, and 1 while the calling thread does. */
const ASLEEP: usize = 76;
const WAITING: usize = 80;
/**
 * A share is a word: the job's number, the first unclaimed item, and the number of unclaimed items. It has a cache line
 * of its own, because a line takes 0.1 us from core to core, and 0.5 us between cores without a common cache. A thread
 * claims the front of its own share and the back of others. So the next job on the same tensors finds in each core's
 * cache what that core read or wrote.
 */
const ITEM_BITS: u64 = 16;
const ITEM_MASK: u64 = (1 << ITEM_BITS) - 1;
const SHARE_BYTES: u32 = 64;
/** The bytes of all shares, which lie before scratch. */
export const SHARES: u32 = MOST_THREADS * SHARE_BYTES;
const NONE: u32 = -1;

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
  /** 1 in backward: its gradient uses the sums as they were before they were rounded to the dtype. */
  fused: u32;
  /** In backward: the channel of the first 1 / sqrt(variance + eps) that the sums have kept in their table. */
  inverses: u32;
  /** The first channel that has an entry in the tables. */
  first: u32;
  /** Planes: channels per item. Columns: rows per item. */
  span: u32;
  /**
   * The number of parts that a channel, or the rows, are cut into, and the number of elements of a channel per part; 0 if
   * parts are outer rows.
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
  /** The number of blocks per strip, and the number that are listed to be summed. */
  strip: u32;
  listed: u32;
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

/**
 * How often a thread without an item checks for the next job, or for the end of this one, before it sleeps: some 60
 * microseconds, which is longer than an item takes. If a helper sleeps while the calling thread works on the last item,
 * it wakes too late for the next job, where the calling thread takes an item more and the helper sleeps again.
 */
const PATIENCE: u32 = 250000;

let helpers: u32 = 0;
let shares: usize = 0;
/** This thread's number; the calling thread is 0. */
let self: u32 = 0;
/** What DONE will be when helpers have finished what they claimed. */
let goal: u32 = 0;
/** How many jobs pass after helpers were woken for a short one, and how many of these are still to come. */
let interval: u32 = 0;
let toPass: u32 = 0;

/** Sets where shares and scratch lie, how many threads help the calling one, and which of them this is. */
export function configure(start: usize, others: u32, thread: u32): void {
  shares = start;
  helpers = others;
  self = thread;
}

/** Whether work on so many bytes is shared with other threads. */
export function isShared(bytes: u64): bool {
  return helpers > 0 && bytes >= SHARED && (bytes >= LONG || toPass === 0 || atomic.load<u32>(ASLEEP) < helpers);
}

/** The number of threads that may take part in a job. */
export function threads(): u32 {
  return helpers + 1;
}

export function scratchAt(): usize {
  return shares + SHARES;
}

/** Provided by the host: waits until DONE is `goal`. */
declare function settle(goal: u32): void;

/** Runs items 0 to `items` of some work. Helpers take part if `bytes` is large. Returns when all items are done. */
export function run(work: (item: u32) => void, items: u32, bytes: u64): void {
  if (items > 1 && isShared(bytes)) {
    runShared(work.index, items, bytes);
    return;
  }
  if (toPass > 0 && bytes >= SHARED) toPass--; // of one item too: work that is not shared is not cut
  for (let item: u32 = 0; item < items; item++) call_indirect<void>(work.index, item);
}

function runShared(work: u32, items: u32, bytes: u64): void {
  job.work = work;
  const epoch = u32(atomic.load<u64>(HEAD) >> 32) + 1; // no other thread changes it while a job is published
  const head = (u64(epoch) << 32) | items;
  atomic.store<u64>(HEAD, head);
  if (wakesHelpers(bytes)) atomic.notify(HEAD, min(helpers, items - 1));
  goal += items - drain(head);
  if (isReached(goal)) return;
  atomic.store<u32>(WAITING, 1);
  settle(goal);
  atomic.store<u32>(WAITING, 0);
}

/**
 * Whether sleeping helpers are woken for the job that was just published. A helper that is about to sleep either has
 * counted itself, or sees the new head.
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

/** Claims and runs items of a job until none is left. Returns their number. */
function drain(head: u64): u32 {
  const sharers = min(helpers + 1, u32(head));
  let all: u32 = 0;
  for (let i: u32 = 0, thread = self; i < sharers; i++, thread++) {
    if (thread >= sharers) thread = 0;
    let n: u32 = 0;
    for (let item = claim(head, thread, sharers); item !== NONE; item = claim(head, thread, sharers)) {
      call_indirect<void>(job.work, item);
      n++;
    }
    if (n > 0 && self > 0) report(n);
    all += n;
  }
  return all;
}

/**
 * Claims an item of a thread's share, or NONE. A share is opened by whoever claims from it first. A thread that is late
 * from a job before this one opens none: it reads the head after the share, and while its job was the current one, the
 * share was not empty and would have been opened.
 */
function claim(head: u64, thread: u32, sharers: u32): u32 {
  const at = shares + thread * SHARE_BYTES;
  while (true) {
    const before = atomic.load<u64>(at);
    if (atomic.load<u64>(HEAD) !== head) return NONE;
    let share = before;
    if ((share ^ head) >> 32 !== 0) {
      const items = u32(head);
      const first = (thread * items) / sharers;
      share = (head & ~0xffffffff) | (u64(first) << ITEM_BITS) | (((thread + 1) * items) / sharers - first);
    }
    const left = u32(share & ITEM_MASK);
    if (left === 0) return NONE;
    const first = u32((share >> ITEM_BITS) & ITEM_MASK);
    const front = thread === self;
    if (atomic.cmpxchg<u64>(at, before, share - 1 + (front ? 1 << ITEM_BITS : 0)) === before)
      return front ? first : first + left - 1;
  }
}

/** Counts items that a helper has finished. */
function report(n: u32): void {
  atomic.add<u32>(DONE, n);
  if (atomic.load<u32>(WAITING) !== 0) atomic.notify(DONE, 1);
}

/** Waits for the items that helpers have claimed. Returns false if that takes long. */
function isReached(goal: u32): bool {
  let spins = PATIENCE;
  while (atomic.load<u32>(DONE) !== goal) if (--spins === 0) return false;
  return true;
}

/**
 * Waits for the job after this one, which often follows within microseconds: less than waking takes. Returns false if
 * there is none for long.
 */
function isFollowed(head: u64): bool {
  let spins = PATIENCE;
  while (atomic.load<u64>(HEAD) === head) if (--spins === 0) return false;
  return true;
}

/**
 * A round of a helper: it works while there are items, and waits or sleeps until the next job. Returns false if `stop` is
 * set. The loop around it is the host's, because engines replace slow first code only when a function is called again.
 */
export function help(stop: usize): bool {
  const head = atomic.load<u64>(HEAD);
  if (atomic.load<u32>(stop) !== 0) return false;
  drain(head);
  if (!isFollowed(head)) {
    atomic.add<u32>(ASLEEP, 1);
    atomic.wait<i64>(HEAD, head, -1);
    atomic.sub<u32>(ASLEEP, 1);
  }
  return true;
}
