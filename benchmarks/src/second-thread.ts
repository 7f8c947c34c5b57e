import { Worker } from "node:worker_threads";

/** The words, two lines apart: what was sent, what came back, what the other thread does, and how often it has done it. */
const SENT = 0;
const ECHO = 32;
const DOES = 64;
const DONE = 96;
const BYTES = 512;
/** What it does. */
const NOTHING = 0;
const ANSWER = 1;
const MULTIPLY = 2;
/** The number of batches, of which the median counts, and the trips of each. A thread may lose its core for a while. */
const BATCHES = 9;
const TRIPS = 200;
/** The rounds of a loop of multiplications: some 20 microseconds. */
const ROUNDS = 20_000;
/** How long the other thread may take to answer. */
const LIMIT_MS = 10_000;
/** If a loop takes so many times as long while the other thread runs it too, both are on one core. */
const ON_ONE_CORE = 1.3;

/** Eight chains of multiplications, which occupy the multipliers of a core wholly. */
const LOOP = `
function multiply(rounds) {
  const up = 1.0000001, down = 0.9999999;
  let a = 1, b = 1, c = 1, d = 1, e = 1, f = 1, g = 1, h = 1;
  for (let i = 0; i < rounds; i++) {
    a *= up; b *= down; c *= up; d *= down; e *= up; f *= down; g *= up; h *= down;
  }
  return a + b + c + d + e + f + g + h;
}`;
const OTHER = `${LOOP}
const words = new Int32Array(require("node:worker_threads").workerData);
let sum = 0;
for (let last = 0; ; ) {
  Atomics.wait(words, ${DOES}, ${NOTHING});
  if (Atomics.load(words, ${DOES}) === ${MULTIPLY}) {
    sum += multiply(${ROUNDS / 10});
    Atomics.add(words, ${DONE}, 1);
  } else {
    const sent = Atomics.load(words, ${SENT});
    if (sent !== last) Atomics.store(words, ${ECHO}, (last = sent));
  }
}`;

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
  /** Whether both threads are on one core, or other programs on theirs, so that two threads cannot gain anything. */
  isDisturbed(): boolean;
  close(): Promise<unknown>;
}

export function startSecondThread(): SecondThread {
  const words = new Int32Array(new SharedArrayBuffer(BYTES));
  const worker = new Worker(OTHER, { eval: true, workerData: words.buffer });
  const multiply: (rounds: number) => number = new Function(`${LOOP} return multiply;`)();
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
  const loopMs = () => {
    const start = performance.now();
    sum += multiply(ROUNDS);
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
      const alone = Math.min(...batches(loopMs));
      const before = Atomics.load(words, DONE);
      start(MULTIPLY);
      waitWhile(() => Atomics.load(words, DONE) === before);
      const together = median(batches(loopMs));
      stop();
      return together > ON_ONE_CORE * alone && sum > 0;
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
