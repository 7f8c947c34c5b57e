import { startTask, type Task } from "../parts/task.ts";
import type { Order, Progress } from "./worker.ts";

/**
 * Milliseconds that wasm may take to start its threads. In Firefox 153, on a busy machine, a worker can block forever in
 * `new Worker`: no timer of its own runs then. It is replaced by a worker that starts no threads.
 */
const THREADS_LIMIT = 20_000;

/** Runs one backend's part of a run in a worker. */
export function startBackend(order: Omit<Order, "threads">, onProgress: (progress: Progress) => void): Task {
  let task: Task;
  let clock: ReturnType<typeof setTimeout> | undefined;
  const start = (threads: Order["threads"]) => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: order.backend });
    return startTask<Progress>(worker, { ...order, threads } satisfies Order, (progress) => {
      clearTimeout(clock);
      const loads = progress.type === "starting" && progress.what === "the backend";
      if (loads && order.backend === "wasm" && threads === null) clock = setTimeout(replace, THREADS_LIMIT);
      onProgress(progress);
    });
  };
  let replace = () => {};
  const done = new Promise<"done" | "cancelled">((resolve, reject) => {
    const follow = (one: Task) => {
      task = one;
      const ends =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          if (task !== one) return; // it was replaced
          clearTimeout(clock);
          settle(value);
        };
      one.done.then(ends(resolve), ends(reject));
    };
    replace = () => {
      const blocked = task;
      follow(start(1));
      blocked.cancel();
    };
    follow(start(null));
  });
  return { done, cancel: () => task.cancel() };
}
