import type { BackendName } from "../backends.ts";
import { withOpened } from "../parts/opened.ts";
import type { PlainError } from "../parts/problem.ts";
import { serveTask } from "../parts/serve-task.ts";
import { digitsOf, RATIOS } from "./measure.ts";
import { FORMULAS, openBackendMethod, PEERS } from "./methods.ts";

export interface PrecisionOrder {
  readonly backends: readonly BackendName[];
  readonly peers: readonly string[];
}

export type PrecisionMessage =
  | { readonly type: "row"; readonly ratio: number; readonly digits: Readonly<Record<string, number>> }
  | { readonly type: "missing"; readonly name: string; readonly error: PlainError };

serveTask<PrecisionOrder, PrecisionMessage>(async ({ backends, peers }, post, openBackend) => {
  const openings = [
    ...backends.map((name) => [name, () => openBackendMethod(name, openBackend)] as const),
    ...Object.entries(PEERS).filter(([name]) => peers.includes(name)),
  ];
  const onMissing = (name: string, error: PlainError) => post({ type: "missing", name, error });
  await withOpened(openings, onMissing, async (methods) => {
    for (const ratio of RATIOS) {
      post({ type: "row", ratio, digits: Object.fromEntries(await digitsOf([...FORMULAS, ...methods], ratio)) });
    }
  });
});
