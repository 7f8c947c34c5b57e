import type { Backend } from "@bn/core";
import { type BackendName, createBackend } from "../backends.ts";
import { plainError } from "./problem.ts";
import type { Begin, Said } from "./task.ts";

// The parts of a dedicated worker's global scope: the type library has either pages or workers.
declare const self: {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
};

export type Post<M> = (value: M) => void;

/**
 * Creates a backend, watched by the page: if wasm's threads do not start, the page starts the job again, in another worker
 * and without threads.
 */
export type OpenBackend = (name: BackendName) => Promise<Backend>;

/** The worker's side of `startTask`: runs the job that the first message asks for. */
export function serveTask<I, M>(run: (input: I, post: Post<M>, open: OpenBackend) => Promise<void>): void {
  const say = (said: Said<M>) => self.postMessage(said);
  self.onmessage = async ({ data }: MessageEvent<Begin<I>>) => {
    self.onmessage = null;
    const { input, threads } = data;
    const open: OpenBackend = async (name) => {
      if (name !== "wasm" || threads !== null) return createBackend(name, threads);
      say({ kind: "threads", state: "starting" });
      try {
        return await createBackend(name);
      } finally {
        say({ kind: "threads", state: "started" });
      }
    };
    try {
      await run(input, (value) => say({ kind: "message", value }), open);
      say({ kind: "end" });
    } catch (error) {
      say({ kind: "error", error: plainError(error) });
    }
  };
}
