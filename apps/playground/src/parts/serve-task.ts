import { plainError } from "./problem.ts";
import type { Said } from "./task.ts";

// The parts of a dedicated worker's global scope: the type library has either pages or workers.
declare const self: {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
};

export type Post<M> = (value: M, transfer?: readonly Transferable[]) => void;

/** The worker's side of `startTask`: runs the job that the first message asks for. */
export function serveTask<I, M>(run: (input: I, post: Post<M>) => Promise<void>): void {
  const say = (said: Said<M>, transfer: readonly Transferable[] = []) => self.postMessage(said, transfer);
  self.onmessage = async ({ data }) => {
    self.onmessage = null;
    try {
      await run(data as I, (value, transfer) => say({ kind: "message", value }, transfer));
      say({ kind: "end" });
    } catch (error) {
      say({ kind: "error", error: plainError(error) });
    }
  };
}
