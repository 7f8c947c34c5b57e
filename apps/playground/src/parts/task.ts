import type { PlainError } from "./problem.ts";

/** The first message to a worker. */
export interface Begin<I> {
  readonly input: I;
  /** Threads of wasm; null for as many as there are processors. */
  readonly threads: number | null;
}

/** The messages of a worker while it works, and at its end. */
export type Said<M> =
  | { readonly kind: "message"; readonly value: M }
  | { readonly kind: "threads"; readonly state: "starting" | "started" }
  | { readonly kind: "error"; readonly error: PlainError }
  | { readonly kind: "end" };

export interface Task {
  /** Resolves when the worker is done or was cancelled; rejects with its error as a `PlainError`. */
  readonly done: Promise<"done" | "cancelled">;
  /** Ends the worker at once. */
  cancel(): void;
}

/**
 * Milliseconds that wasm may take to start its threads. In Firefox 153, on a busy machine, a worker can block forever in
 * `new Worker`: no timer of its own runs then. It is replaced by a worker that starts no threads.
 */
const THREADS_LIMIT = 20_000;

/**
 * Runs one job in a worker of its own, which ends with the job. A worker that blocks is replaced by another one, which gets
 * the input as it is then; `onReplaced` is told.
 */
export function startTask<I, M>(
  create: () => Worker,
  input: () => I,
  onMessage: (message: M) => void,
  onReplaced = () => {},
): Task {
  let cancel = () => {};
  const done = new Promise<"done" | "cancelled">((resolve, reject) => {
    const start = (threads: Begin<I>["threads"]) => {
      const worker = create();
      let clock: ReturnType<typeof setTimeout> | undefined;
      const end = () => {
        clearTimeout(clock);
        worker.onmessage = null; // a message may be on its way
        worker.terminate();
      };
      const replace = () => {
        end();
        onReplaced();
        start(1);
      };
      cancel = () => {
        end();
        resolve("cancelled");
      };
      worker.onmessage = ({ data }: MessageEvent<Said<M>>) => {
        if (data.kind === "message") return onMessage(data.value);
        if (data.kind === "threads") {
          clearTimeout(clock);
          if (data.state === "starting") clock = setTimeout(replace, THREADS_LIMIT);
          return;
        }
        end();
        if (data.kind === "end") resolve("done");
        else reject(data.error);
      };
      worker.onerror = (event) => {
        event.preventDefault?.();
        end();
        const what = event.message ? `the worker failed: ${event.message}` : "Failed to fetch the worker's script";
        reject({ code: "", message: what } satisfies PlainError);
      };
      worker.onmessageerror = () => {
        end();
        reject({ code: "", message: "a message from the worker could not be read" } satisfies PlainError);
      };
      worker.postMessage({ input: input(), threads } satisfies Begin<I>);
    };
    start(null);
  });
  return { done, cancel: () => cancel() };
}
