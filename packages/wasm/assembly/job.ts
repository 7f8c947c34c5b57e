/**
 * One job at a time: its operands lie in a block of memory that all threads see; its items are claimed one by one by
 * whoever is free, the calling thread included. What an item computes does not depend on who computes it.
 */
import { DONE, EPOCH, JOB } from "../src/layout";

/** The job's number and how many of its items nobody has claimed: what threads contend for, on a cache line that the host leaves alone. */
const CLAIM: usize = 128;

@unmanaged
export class Job {
  // What the host writes (src/job.ts): numbers, sizes, and addresses, 0 for no buffer.
  eps: f64;
  /** What the sums are divided by in a gradient. */
  m: f64;
  /** fill: the value. */
  value: f64;
  /** movingAverage: what is left of the running statistics, and the factor of the variance. */
  fraction: f64;
  correction: f64;
  /** copy and fill: elements. */
  length: u32;
  outer: u32;
  channels: u32;
  inner: u32;
  x: usize;
  dy: usize;
  /** Where a map writes: y or dx. */
  y: usize;
  mean: usize;
  /** moments: the mean's low part, and the squares in place of the variance (K-12). */
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
  // What a kernel plans.
  /** What an item is: the function's place in the module's table, which is the same in all threads. */
  work: u32;
  items: u32;
  /** 1 in backward: its gradient follows the sums as they were before they were rounded to the dtype. */
  fused: u32;
  /** The first channel that has a place in the tables. */
  first: u32;
  /** Planes: channels per item. Columns: rows per item. */
  span: u32;
  /** Parts that a channel, or the rows, are cut into; elements of a channel per part. */
  parts: u32;
  size: u32;
  /** Planes: vectors of a channel that are looked at for its shift. */
  probes: u32;
  /** Columns: those of a tile, from `firstColumn`, their blocks of 64 bytes, folded rows, the bytes between those. */
  firstColumn: u32;
  columns: u32;
  blocks: u32;
  rows: u32;
  stride: usize;
  /** Blocks that are listed to be summed. */
  listed: u32;
  /** Rows that are folded into one, and the elements after the last of those. */
  fold: u32;
  rest: u32;
}

export const job: Job = changetype<Job>(<usize>JOB);

/** Work of fewer bytes is done before another thread would have woken. */
const SHARED: u64 = 524288;

/** Looks that a helper takes at the epoch before it sleeps: some 20 microseconds. */
const AWAKE: u32 = 20000;
/** And that the calling thread takes at the last items of others. */
const NEARLY: u32 = 4096;

let helpers: u32 = 0;
let scratch: usize = 0;

/** Tells this instance where its scratch lies and how many other threads may help it. */
export function configure(scratchAt: usize, others: u32): void {
  scratch = scratchAt;
  helpers = others;
}

/** Whether there is nobody to share with. */
export function isAlone(): bool {
  return helpers === 0;
}

export function scratchAt(): usize {
  return scratch;
}

/** The host's: waits for helpers to finish what they claimed. */
declare function settle(items: u32): void;

/** Does items 0 to `items` of some work, with help where `bytes` are many; returns when all are done. */
export function run(work: (item: u32) => void, items: u32, bytes: u64): void {
  if (ASC_FEATURE_THREADS) {
    if (helpers > 0 && items > 1 && bytes >= SHARED) {
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
  // The claim carries the job's number: a thread late from the last job cannot take an item of this one unseen. It stands
  // before the epoch moves: whoever sees the new epoch finds items, and sleeps only when all of them are claimed.
  const epoch = atomic.load<u32>(EPOCH) + 1; // nobody else moves it while a job is published
  atomic.store<u64>(CLAIM, (u64(epoch) << 32) | items);
  atomic.store<u32>(EPOCH, epoch);
  atomic.notify(EPOCH, min(helpers, items - 1));
  drain();
  let spins = NEARLY;
  while (atomic.load<u32>(DONE) !== items && spins > 0) spins--;
  if (spins === 0) settle(items);
}

/** Claims and does items until none is left. The claim counts down: an exhausted job is closed by itself. */
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

/** A helper's life: work while there is some, sleep until the next job; ends when `stop` is set. */
export function help(stop: usize): void {
  if (ASC_FEATURE_THREADS) {
    while (true) {
      const epoch = atomic.load<u32>(EPOCH);
      if (atomic.load<u32>(stop) !== 0) return;
      drain();
      // The next layer's job often follows within microseconds: waking takes longer than that.
      let spins = AWAKE;
      while (atomic.load<u32>(EPOCH) === epoch && spins > 0) spins--;
      if (spins === 0) atomic.wait<i32>(EPOCH, epoch, -1);
    }
  }
}
