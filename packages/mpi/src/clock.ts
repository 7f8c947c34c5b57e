/** Limits how long a loop polls for other ranks. */
export interface Clock {
  /** Starts a wait. */
  start(): void;
  /** Pauses before the next poll. Returns false if the time is over. */
  pause(): boolean;
}

/**
 * Milliseconds of polling before the thread sleeps between polls. An exchange takes less if every rank has a core.
 */
const AWAKE = 0.1;
/** Milliseconds of the first sleep and of the longest one. OpenMPI moves data only while it is polled. */
const FIRST_NAP = 0.02;
const LONGEST_NAP = 0.5;

/**
 * Creates a clock with a limit of `timeout` milliseconds. It reads the time at every poll, because a poll can take as long
 * as the other ranks' turns if ranks share a core.
 */
export function createClock(timeout: number): Clock {
  const bed = new Int32Array(new SharedArrayBuffer(4));
  let started = 0;
  let nap = FIRST_NAP;
  return {
    start() {
      started = performance.now();
      nap = FIRST_NAP;
    },
    pause() {
      const waited = performance.now() - started;
      if (waited < AWAKE) return true;
      if (waited >= timeout) return false;
      Atomics.wait(bed, 0, 0, Math.min(nap, timeout - waited));
      nap = Math.min(2 * nap, LONGEST_NAP);
      return true;
    },
  };
}
