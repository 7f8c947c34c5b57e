import { Worker } from "node:worker_threads";
import { ANSWER, BYTES, DOES, DONE, ECHO, MULTIPLY, multiply, NOTHING, ROUNDS, SENT } from "./other-thread.ts";

/** The number of batches, of which the median counts, and the trips of each. A thread may lose its core for a while. */
const BATCHES = 9;
const TRIPS = 200;
/** The rounds of a batch of multiplications, as a multiple of those after which the other thread counts. */
const COUNTS = 10;
/** How long the other thread may take to answer. */
const LIMIT_MS = 10_000;
/** Two threads that multiply less than so many times as fast as one are on one core, or have to share theirs. */
const LEAST_GAIN = 1.5;

/**
 * Another thread, which shows where it and this one are. A virtual machine may move its processors at any time, and what
 * two threads gain changes with it.
 */
export interface SecondThread {
  /**
   * Measures the nanoseconds that a cache line takes from this thread to the other one and back. On an AMD EPYC of the
   * Zen 5 generation: 70 to 200 between cores with a last cache in common, whose bandwidth they share; 500 and more if
   * each has its own.
   */
  roundTrip(): number;
  /** Whether both threads are on one core, or other programs on theirs, so that two threads cannot gain much. */
  isDisturbed(): boolean;
  close(): Promise<unknown>;
}

export function startSecondThread(): SecondThread {
  const words = new Int32Array(new SharedArrayBuffer(BYTES));
  const worker = new Worker(new URL("./other-thread.ts", import.meta.url), { workerData: words.buffer });
  let sent = 0;
  /** It is read below, so that the loop is not dropped. */
  let sum = 0;

  const start = (what: number) => {
    Atomics.store(words, DOES, what);
    Atomics.notify(words, DOES);
  };
  const stop = () => Atomics.store(words, DOES, NOTHING);
  const waitWhile = (waits: () => boolean) => {
    let end = Number.POSITIVE_INFINITY;
    for (let spins = 1; waits(); spins++) {
      if (spins % 2 ** 20 !== 0) continue;
      const now = performance.now();
      end = Math.min(end, now + LIMIT_MS);
      if (now > end) throw new Error(`the other thread has not answered in ${LIMIT_MS / 1000} s; run with --threads 1`);
    }
  };
  const trip = () => {
    Atomics.store(words, SENT, ++sent);
    waitWhile(() => Atomics.load(words, ECHO) !== sent);
  };
  const batchMs = () => {
    const start = performance.now();
    sum += multiply(COUNTS * ROUNDS);
    return performance.now() - start;
  };
  return {
    roundTrip() {
      start(ANSWER);
      trip();
      const times = batches(() => {
        const start = performance.now();
        for (let i = 0; i < TRIPS; i++) trip();
        return ((performance.now() - start) / TRIPS) * 1e6;
      });
      stop();
      return median(times);
    },
    isDisturbed() {
      const alone = Math.min(...batches(batchMs));
      const counted = Atomics.load(words, DONE);
      start(MULTIPLY);
      waitWhile(() => Atomics.load(words, DONE) === counted);
      const before = Atomics.load(words, DONE);
      const took = batches(batchMs).reduce((a, b) => a + b);
      const others = Atomics.load(words, DONE) - before;
      stop();
      const gain = ((BATCHES + others / COUNTS) * alone) / took;
      return gain < LEAST_GAIN && sum > 0;
    },
    close: () => worker.terminate(),
  };
}

function batches(measure: () => number): number[] {
  return Array.from({ length: BATCHES }, measure);
}

function median(times: number[]): number {
  return times.sort((a, b) => a - b)[times.length >> 1] as number;
}
