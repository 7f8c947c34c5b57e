import type { PlainError } from "./problem.ts";

/** The messages of a worker while it works, and at its end. */
export type Said<M> =
  | { readonly kind: "message"; readonly value: M }
  | { readonly kind: "error"; readonly error: PlainError }
  | { readonly kind: "end" };

export interface Task {
  /** Resolves when the worker is done or was cancelled; rejects with its error as a `PlainError`. */
  readonly done: Promise<"done" | "cancelled">;
  /** Ends the worker at once. */
  cancel(): void;
}

/** Runs one job in a worker of its own, which ends with the job. */
export function startTask<M>(
  worker: Worker,
  input: unknown,
  onMessage: (message: M) => void,
  transfer: readonly Transferable[] = [],
): Task {
  let cancel = () => {};
  const done = new Promise<"done" | "cancelled">((resolve, reject) => {
    cancel = () => {
      worker.terminate();
      resolve("cancelled");
    };
    worker.onmessage = ({ data }: MessageEvent<Said<M>>) => {
      if (data.kind === "message") return onMessage(data.value);
      worker.terminate();
      if (data.kind === "end") resolve("done");
      else reject(data.error);
    };
    worker.onerror = (event) => {
      event.preventDefault?.();
      worker.terminate();
      const what = event.message ? `the worker failed: ${event.message}` : "Failed to fetch the worker's script";
      reject({ code: "", message: what } satisfies PlainError);
    };
    worker.onmessageerror = () => reject({ code: "", message: "a message from the worker could not be read" });
  });
  worker.postMessage(input, [...transfer]);
  return { done, cancel: () => cancel() };
}
