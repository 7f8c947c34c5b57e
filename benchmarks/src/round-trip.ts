import { Worker } from "node:worker_threads";

/** The words, two lines apart: what was sent, what came back, and whether the other thread listens. */
const SENT = 0;
const ECHO = 32;
const LISTENS = 64;
const BYTES = 512;
/** The number of batches, of which the median counts, and the trips of each. A thread may lose its core for a while. */
const BATCHES = 9;
const TRIPS = 200;
/** How long a trip may take. */
const LIMIT_MS = 10_000;

const OTHER = `
const words = new Int32Array(require("node:worker_threads").workerData);
for (let last = 0; ; ) {
  Atomics.wait(words, ${LISTENS}, 0);
  while (Atomics.load(words, ${LISTENS}) === 1) {
    const sent = Atomics.load(words, ${SENT});
    if (sent !== last) Atomics.store(words, ${ECHO}, (last = sent));
  }
}`;

/**
 * Measures the nanoseconds that a cache line takes from this thread to another one and back. A virtual machine may move
 * its processors at any time, and what two threads gain changes with it. On an AMD EPYC of the Zen 5 generation: 70 if
 * both are one core, where two threads gain nothing; 110 if they are cores with a last cache in common, whose bandwidth
 * they share; 500 if each has its own.
 */
export interface RoundTrip {
  measure(): number;
  close(): Promise<unknown>;
}

export function startRoundTrip(): RoundTrip {
  const words = new Int32Array(new SharedArrayBuffer(BYTES));
  const worker = new Worker(OTHER, { eval: true, workerData: words.buffer });
  let sent = 0;
  const trip = () => {
    Atomics.store(words, SENT, ++sent);
    let end = Number.POSITIVE_INFINITY;
    for (let spins = 1; Atomics.load(words, ECHO) !== sent; spins++) {
      if (spins % 2 ** 20 !== 0) continue;
      const now = performance.now();
      end = Math.min(end, now + LIMIT_MS);
      if (now > end) throw new Error(`the other thread has not answered in ${LIMIT_MS / 1000} s; run with --threads 1`);
    }
  };
  return {
    measure() {
      Atomics.store(words, LISTENS, 1);
      Atomics.notify(words, LISTENS);
      trip();
      const times = Array.from({ length: BATCHES }, () => {
        const start = performance.now();
        for (let i = 0; i < TRIPS; i++) trip();
        return ((performance.now() - start) / TRIPS) * 1e6;
      });
      Atomics.store(words, LISTENS, 0);
      return times.sort((a, b) => a - b)[BATCHES >> 1] as number;
    },
    close: () => worker.terminate(),
  };
}
