import { WORKER } from "./worker.ts";

/** A helper thread, in any runtime. */
export interface Thread {
  post(message: object): void;
  /** Lets the process end although the thread is asleep. */
  unref(): void;
  terminate(): Promise<unknown>;
}

export interface Events {
  ready(): void;
  /** Called, once or more, if the thread has died or could not be started. */
  dead(reason: string): void;
}

/**
 * Node's workers, if this is Node. They are found without an import, because bundlers for browsers would fail on one.
 */
export function nodeThreads(): { processors: number; spawn(events: Events): Thread } | null {
  const builtin = globalThis.process?.getBuiltinModule;
  if (builtin === undefined) return null;
  const { Worker: NodeWorker } = builtin("node:worker_threads");
  return {
    processors: builtin("node:os").availableParallelism(),
    spawn(events) {
      // execArgv is empty because flags such as --input-type=module would change the meaning of the text.
      const worker = new NodeWorker(WORKER, { eval: true, execArgv: [], name: "bn-wasm" });
      worker.once("message", events.ready);
      worker.once("error", (error) => events.dead(error instanceof Error ? error.message : String(error)));
      worker.once("exit", (code) => events.dead(`it exited with code ${code}`));
      return {
        post: (message) => worker.postMessage(message),
        unref: () => worker.unref(),
        terminate: () => worker.terminate(),
      };
    },
  };
}

/**
 * A browser's worker, created from a blob: the page's Content-Security-Policy must allow `worker-src blob:`. A page is
 * not told when a worker is terminated. But a worker's locks are then freed, so it holds one as long as it lives, and
 * the page waits for that lock.
 */
export function browserThread(events: Events): Thread {
  const url = URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }));
  const worker = new Worker(url, { name: "bn-wasm" });
  const lock = `bn-wasm ${crypto.randomUUID()}`;
  worker.onmessage = () => {
    URL.revokeObjectURL(url);
    events.ready();
    // If storage is refused, as in a sandboxed frame, locks are too, and the worker runs without one.
    navigator.locks.request(lock, () => events.dead("it was terminated")).catch(() => {});
  };
  worker.onerror = (event) => {
    event.preventDefault();
    events.dead(event.message ?? "the page's Content-Security-Policy may lack worker-src blob:");
  };
  return {
    post: (message) => worker.postMessage({ ...message, lock }),
    unref: () => {},
    terminate: async () => {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}
