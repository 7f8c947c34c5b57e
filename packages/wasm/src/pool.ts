import { BnError } from "@bn/core";
import { browserThread, type Events, nodeThreads, type Thread } from "./host.ts";
import { DONE, HEAD, STOP } from "./layout.ts";

/** Helper threads that sleep until a job is published in shared memory (assembly/job.ts), and help with its items. */
export interface Pool {
  readonly size: number;
  /** The error that read() and finish() reject with after a helper has died. */
  readonly failure: BnError | null;
  /** Waits until helpers have done so many items. If none is done for `patience` ms, it gives up and sets `failure`. */
  settle(goal: number): void;
  dispose(): Promise<void>;
}

export interface PoolOptions {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly scratch: number;
  readonly helpers: number;
  /** Called when a helper has died. The pool must then get no more work. */
  readonly failed: () => void;
  readonly spawn?: (events: Events) => Thread;
  readonly patience?: number;
}

/** The indices of 32-bit words, and of one of 64 bits. */
const WORD_OF = { stop: STOP / 4, done: DONE / 4 };
const HEAD_AT = HEAD / 8;
const START_LIMIT = 10_000;

/** Rejects with the reason if a helper does not start. */
export async function startPool(options: PoolOptions): Promise<Pool> {
  const { module, memory, scratch, helpers, failed, patience = 10_000 } = options;
  const spawn = options.spawn ?? nodeThreads()?.spawn ?? browserThread;
  // Growth of shared memory leaves its older views intact.
  const words = new Int32Array(memory.buffer);
  const wide = new BigInt64Array(memory.buffer);
  const mayWait = canWait();
  let failure: BnError | null = null;
  let disposed = false;
  const threads: Thread[] = [];
  const clocks: ReturnType<typeof setTimeout>[] = [];

  const end = async () => {
    disposed = true;
    Atomics.store(words, WORD_OF.stop, 1);
    Atomics.add(wide, HEAD_AT, 1n << 32n);
    Atomics.notify(wide, HEAD_AT);
    await Promise.all(threads.map((thread) => thread.terminate()));
  };
  const fail = (reason: string) => {
    if (disposed || failure) return;
    failure = new BnError(
      "ERR_BN_DEVICE",
      `wasm: a helper thread was lost (${reason}), results since then may be incomplete; dispose this backend and create another, with threads: 1 if it happens again`,
    );
    failed();
  };
  const start = (number: number): Promise<void> => {
    const { promise, resolve, reject } = deferred();
    const dead = (reason: string) => {
      reject(new Error(reason));
      fail(reason);
    };
    const thread = spawn({ ready: resolve, dead });
    threads.push(thread);
    const clock = setTimeout(() => reject(new Error(`no answer in ${START_LIMIT / 1000} s`)), START_LIMIT);
    clocks.push(clock);
    const ready = promise.then(() => thread.unref()).finally(() => clearTimeout(clock));
    ready.catch(() => {}); // only the first failure is reported
    thread.post({ module, memory, scratch, helpers, thread: number, stop: STOP });
    return ready;
  };
  try {
    const starting: Promise<void>[] = [];
    for (let number = 1; number <= helpers; number++) starting.push(start(number));
    await Promise.all(starting);
    if (failure) throw failure; // a helper died while another was starting
  } catch (error) {
    for (const clock of clocks) clearTimeout(clock);
    await end();
    throw error;
  }

  return {
    size: helpers,
    get failure() {
      return failure;
    },
    settle(goal) {
      let done = Atomics.load(words, WORD_OF.done);
      let deadline = performance.now() + patience;
      while (done !== goal) {
        if (mayWait) Atomics.wait(words, WORD_OF.done, done, 10);
        const now = Atomics.load(words, WORD_OF.done);
        if (now !== done) deadline = performance.now() + patience;
        else if (performance.now() > deadline) {
          fail(`unfinished parts after ${patience / 1000} s: ${(goal - now) | 0}`);
          for (const thread of threads) void thread.terminate();
          return;
        }
        done = now;
      }
    },
    dispose: end,
  };
}

/** A promise with its functions; Node 20 has no Promise.withResolvers. */
function deferred() {
  let resolve: () => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<void>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { promise, resolve, reject };
}

/** A page's main thread may not sleep. It then spins, for no longer than a helper takes for one item. */
function canWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}
