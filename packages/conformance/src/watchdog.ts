/** Watches calls from a separate thread. */
export interface Watchdog {
  /** `what` begins to run; the call before it has ended. */
  begin(what: string): void;
  end(): void;
  close(): void;
}

const NOBODY: Watchdog = { begin: () => {}, end: () => {}, close: () => {} };
const TEXT_BYTES = 1024;

/**
 * state[0] holds the number of the running call, which is odd, or an even number if none runs; state[1] holds the
 * length of its name.
 */
const WATCH = `
  const { writeSync } = require("node:fs");
  const { workerData: { state, text, limit } } = require("node:worker_threads");
  for (;;) {
    const seen = Atomics.load(state, 0);
    if (Atomics.wait(state, 0, seen, limit) !== "timed-out" || seen % 2 === 0) continue;
    const what = Buffer.from(text.slice(0, Atomics.load(state, 1))).toString();
    writeSync(2, what + ": did not finish within " + limit / 1000 + " s and blocked its thread; the process was ended\\n");
    process.kill(process.pid, "SIGKILL");
  }`;

/**
 * Ends the process if one call runs for `limit` milliseconds. No timer fires during an endless loop, so a test runner's
 * own time limit cannot end it. Only Node has such a thread; on other runtimes there is no watchdog.
 */
export function startWatchdog(limit: number): Watchdog {
  // The module is not imported, because this file is also bundled for browsers.
  const threads = globalThis.process?.getBuiltinModule?.("node:worker_threads");
  if (!threads) return NOBODY;
  const state = new Int32Array(new SharedArrayBuffer(8));
  const text = new Uint8Array(new SharedArrayBuffer(TEXT_BYTES));
  const thread = new threads.Worker(WATCH, { eval: true, execArgv: [], workerData: { state, text, limit } });
  thread.unref();
  let count = 0;
  const store = (value: number) => {
    Atomics.store(state, 0, value);
    Atomics.notify(state, 0);
  };
  return {
    begin(what) {
      const bytes = new TextEncoder().encode(what).subarray(0, TEXT_BYTES);
      text.set(bytes);
      Atomics.store(state, 1, bytes.length);
      count += 2;
      store(count + 1);
    },
    end: () => store(count),
    close: () => void thread.terminate(),
  };
}
