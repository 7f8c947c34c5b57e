import { WORKER } from "./worker.ts";

/** A helper thread, in any runtime. */
export interface Thread {
  post(message: object): void;
  /** Lets the process end while the thread sleeps. */
  unref(): void;
  terminate(): Promise<unknown>;
}

export interface Events {
  ready(): void;
  /** The thread has died, or could not be started; said once or more. */
  dead(reason: string): void;
}

/** Node's workers, where this is Node: found without an import, which bundlers for browsers would trip over. */
export function nodeThreads(): { processors: number; spawn(events: Events): Thread } | null {
  const builtin = globalThis.process?.getBuiltinModule;
  if (builtin === undefined) return null;
  const { Worker: NodeWorker } = builtin("node:worker_threads");
  return {
    processors: builtin("node:os").availableParallelism(),
    spawn(events) {
      // execArgv: flags such as --input-type=module would change what the text means.
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
 * A browser's worker, from a blob: the page's Content-Security-Policy must allow `worker-src blob:`. Nothing tells a page
 * that a worker was terminated; but a worker's locks are freed, so it holds one for life and the page waits for it.
 */
export function browserThread(events: Events): Thread {
  const url = URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }));
  const worker = new Worker(url, { name: "bn-wasm" });
  const lock = `bn-wasm ${crypto.randomUUID()}`;
  worker.onmessage = () => {
    URL.revokeObjectURL(url);
    events.ready();
    // Where storage is refused, as in a sandboxed frame, so are locks; the worker then lives without.
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
