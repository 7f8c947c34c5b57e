// The other thread of second-thread.ts.
import { isMainThread, workerData } from "node:worker_threads";

/** The words, two lines apart: what was sent, what came back, what this thread does, and how often it has done it. */
export const SENT = 0;
export const ECHO = 32;
export const DOES = 64;
export const DONE = 96;
export const BYTES = 512;
/** What it does. */
export const NOTHING = 0;
export const ANSWER = 1;
export const MULTIPLY = 2;
/** The rounds after which it counts: some 2 microseconds. */
export const ROUNDS = 2000;

/** Eight chains of multiplications, which occupy the multipliers of a core wholly. */
export function multiply(rounds: number): number {
  const [up, down] = [1.0000001, 0.9999999];
  let [a, b, c, d, e, f, g, h] = [1, 1, 1, 1, 1, 1, 1, 1];
  for (let i = 0; i < rounds; i++) {
    a *= up;
    b *= down;
    c *= up;
    d *= down;
    e *= up;
    f *= down;
    g *= up;
    h *= down;
  }
  return a + b + c + d + e + f + g + h;
}

function serve(words: Int32Array): never {
  let product = 0;
  for (let last = 0; ; ) {
    Atomics.wait(words, DOES, NOTHING);
    if (Atomics.load(words, DOES) === MULTIPLY) {
      product += multiply(ROUNDS);
      Atomics.add(words, DONE, product > 0 ? 1 : 0);
    } else {
      const sent = Atomics.load(words, SENT);
      if (sent !== last) {
        last = sent;
        Atomics.store(words, ECHO, sent);
      }
    }
  }
}

if (!isMainThread) serve(new Int32Array(workerData));
