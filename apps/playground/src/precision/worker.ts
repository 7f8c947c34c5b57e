import type { BackendName } from "../backends.ts";
import { type PlainError, plainError } from "../parts/problem.ts";
import { serveTask } from "../parts/serve-task.ts";
import { digitsOf, RATIOS } from "./measure.ts";
import { FORMULAS, type Method, openBackendMethod, PEERS } from "./methods.ts";

export interface PrecisionOrder {
  readonly backends: readonly BackendName[];
  readonly peers: readonly string[];
}

export type PrecisionMessage =
  | { readonly type: "row"; readonly ratio: number; readonly digits: Readonly<Record<string, number>> }
  | { readonly type: "missing"; readonly name: string; readonly error: PlainError };

serveTask<PrecisionOrder, PrecisionMessage>(async ({ backends, peers }, post) => {
  const methods: Method[] = [...FORMULAS];
  const openings = [
    ...backends.map((name) => [name, () => openBackendMethod(name)] as const),
    ...peers.flatMap((name) => (PEERS[name] ? [[name, PEERS[name]] as const] : [])),
  ];
  for (const [name, open] of openings) {
    try {
      methods.push(await open());
    } catch (error) {
      post({ type: "missing", name, error: plainError(error) });
    }
  }
  try {
    for (const ratio of RATIOS)
      post({ type: "row", ratio, digits: Object.fromEntries(await digitsOf(methods, ratio)) });
  } finally {
    for (const { close } of methods) await close().catch(() => {}); // a lost device may report its loss again
  }
});
