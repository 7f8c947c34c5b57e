import { BnError } from "../errors.ts";

const GENERATION = 0;
const ARRIVED = 1;
/**
 * A flag in the generation's word: a thread did not arrive. The other bits stay, so that threads that have already
 * passed can tell that they did.
 */
const DEAD = 0x40000000;
const COUNT = DEAD - 1;
/** How often a thread looks at the word before it sleeps: a few microseconds, which is as long as an exchange takes. */
const SPINS = 2000;

/**
 * Returns a function that returns when all `size` threads have called it. It uses the first two of `words`. One word
 * tells whether a barrier was passed or has failed, so that all threads agree: either every thread returns, or every
 * thread throws `ERR_BN_SYNC`.
 */
export function createBarrier(words: Int32Array, size: number, timeout: number): () => void {
  return () => {
    const before = Atomics.load(words, GENERATION);
    if ((before & DEAD) !== 0) throw dead();
    const after = (before + 1) & COUNT;
    if (Atomics.add(words, ARRIVED, 1) + 1 === size) {
      Atomics.store(words, ARRIVED, 0);
      if (Atomics.compareExchange(words, GENERATION, before, after) !== before) throw dead();
      Atomics.notify(words, GENERATION);
      return;
    }
    for (let i = 0; i < SPINS; i++) if (Atomics.load(words, GENERATION) !== before) break;
    const end = performance.now() + timeout;
    for (;;) {
      const now = Atomics.load(words, GENERATION);
      if ((now & COUNT) !== before) return;
      if ((now & DEAD) !== 0) throw dead();
      const left = end - performance.now();
      if (left > 0) Atomics.wait(words, GENERATION, before, left);
      else if (Atomics.compareExchange(words, GENERATION, before, before | DEAD) === before) {
        Atomics.notify(words, GENERATION);
        throw late(Atomics.load(words, ARRIVED), size, timeout);
      }
    }
  };
}

function late(arrived: number, size: number, timeout: number): BnError {
  return new BnError(
    "ERR_BN_SYNC",
    `Communicator allGather: ${arrived} of ${size} threads arrived within ${timeout} ms; create a new group, and make the same calls on every thread`,
  );
}

function dead(): BnError {
  return new BnError(
    "ERR_BN_SYNC",
    "Communicator allGather: a thread did not arrive within the time limit, in this call or in an earlier one; create a new group",
  );
}
